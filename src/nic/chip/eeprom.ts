/** Words that the parts of an EEPROM are found by (82599 data sheet 6.2). */
const CORE_SECTION = 0x09;
const FIRMWARE_POINTER = 0x0f;
const PBA = 0x15;
const PHY_INIT = 0x2b;
const DEVICE_CAPABILITIES = 0x2c;
const CHECKSUM = 0x3f;
/** Sections that the checksum covers are those that these words point at (6.2.19). */
const FIRST_SECTION = 0x03;
const LAST_SECTION = 0x0e;
/** What all words that the checksum covers, and itself, sum up to. */
export const EEPROM_SUM = 0xbaba;
/** Words of a 128 Kb part, and what EEC.EE_SIZE says of it. */
export const EEPROM_WORDS = 8192;
export const EEPROM_SIZE_CODE = 7;
const NOTHING = 0xffff;
/** The module that the PBA number as a string is in begins so. */
const PBA_AS_STRING = 0xfafa;

/** What is in the EEPROM of a card. */
export interface EepromContents {
  /** Address of the port, as six bytes. */
  readonly mac: readonly number[];
  /** Number of the printed board assembly, as it is printed. */
  readonly pba: string;
  /** Device Capabilities, word 2Ch. */
  readonly capabilities: number;
  /** Version of the firmware's patch: drivers want more than 5. */
  readonly firmwarePatch: number;
  /** What the analog core is told for a kind of SFP+ module, by the kind's number. */
  readonly modules: Readonly<Record<number, readonly number[]>>;
}

/** The words of an EEPROM with a checksum that is right (82599 data sheet 6). */
export function buildEeprom(contents: EepromContents): Uint16Array {
  const words = new Uint16Array(EEPROM_WORDS).fill(NOTHING);
  words.fill(0, 0, FIRST_SECTION);
  const { mac, pba } = contents;
  const rest = { words, free: CHECKSUM + 1 };
  const place = (section: readonly number[]): number => placeSection(rest, section);
  // A section begins with its length, without that word.
  const core = [pairOf(mac, 0), pairOf(mac, 2), pairOf(mac, 4)];
  words[CORE_SECTION] = place([core.length, ...core]);
  words[FIRMWARE_POINTER] = place([
    0,
    0,
    NOTHING,
    NOTHING,
    rest.free + 5,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    contents.firmwarePatch,
  ]);
  words[PBA] = PBA_AS_STRING;
  const text = pba.length % 2 === 0 ? pba : `${pba}\0`;
  const letters = Array.from(
    { length: text.length / 2 },
    (_, i) => (text.charCodeAt(2 * i) << 8) | text.charCodeAt(2 * i + 1),
  );
  words[PBA + 1] = place([letters.length + 1, ...letters]);
  words[DEVICE_CAPABILITIES] = contents.capabilities;
  const list: number[] = [0];
  for (const [kind, values] of Object.entries(contents.modules)) {
    // In front of the values is the number of them; all ones are their end.
    list.push(Number(kind), place([values.length, ...values, NOTHING]));
  }
  words[PHY_INIT] = place([...list, NOTHING]);
  words[CHECKSUM] = EEPROM_SUM - coveredSum(words);
  return words;
}

/** Puts a section where there is room; returns its address. */
function placeSection(
  rest: { readonly words: Uint16Array; free: number },
  section: readonly number[],
): number {
  const at = rest.free;
  rest.words.set(section, at);
  rest.free = at + section.length;
  return at;
}

/** Sum of what the checksum covers: words 0 to 3Eh, and the sections whose pointers are valid. */
function coveredSum(words: Uint16Array): number {
  let sum = 0;
  for (let i = 0; i < CHECKSUM; i++) sum += words[i];
  for (let i = FIRST_SECTION; i <= LAST_SECTION; i++) {
    const pointer = words[i];
    if (pointer === 0 || pointer === NOTHING) continue;
    const length = words[pointer];
    if (length === 0 || length === NOTHING) continue;
    for (let j = 1; j <= length; j++) sum += words[pointer + j];
  }
  return sum & 0xffff;
}

/** Address in the core section of port 0, most significant byte first. */
export function macOf(words: Uint16Array): number[] {
  const at = words[CORE_SECTION] + 1;
  return [0, 1, 2].flatMap((i) => [words[at + i] & 0xff, words[at + i] >> 8]);
}

function pairOf(bytes: readonly number[], at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}
