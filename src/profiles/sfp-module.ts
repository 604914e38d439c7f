import { checkInteger, checkIntegers, checkKeys } from '../base/index.ts';

/** What an SFP+ module says of itself. */
export interface SfpModule {
  /** Compliance codes of 10 and of 1 Gigabit Ethernet, a byte each (SFF-8472 table 5-3). */
  readonly codes10g: number;
  readonly codes1g: number;
  /** Bits of byte 8: 4 for a passive cable, 8 for an active one. */
  readonly cable: number;
  /** This, part and serial have up to 16 characters of ASCII. */
  readonly vendor: string;
  /** Of the vendor, as IEEE has given it: three bytes. */
  readonly oui: readonly number[];
  readonly part: string;
  readonly serial: string;
}

/** Optics for 10GBASE-SR of the chip's vendor, which drivers accept without asking. */
export const SFP_10GBASE_SR: SfpModule = Object.freeze({
  codes10g: 0x10,
  codes1g: 0,
  cable: 0,
  vendor: 'Intel Corp',
  oui: [0x00, 0x1b, 0x21],
  part: 'FTLX8571D3BCV-IT',
  serial: 'SRIOVSIM0001',
});

const IDENTIFIER_SFP = 0x03;
const CONNECTOR_LC = 0x07;
/** Where the parts of the first 96 bytes lie, and the two sums over them (SFF-8472 table 4-1). */
const AT = { vendor: 20, oui: 37, part: 40, checkBase: 63, serial: 68, checkExtended: 95 };
const VENDOR_BYTES = 16;

const KEYS: Readonly<Record<keyof SfpModule, true>> = {
  codes10g: true,
  codes1g: true,
  cable: true,
  vendor: true,
  oui: true,
  part: true,
  serial: true,
};

/** @throws TypeError or RangeError if `module` is not what a module can say of itself. */
export function checkSfpModule(module: SfpModule): void {
  checkKeys<SfpModule>('module', module, KEYS);
  for (const key of ['codes10g', 'codes1g', 'cable'] as const)
    checkInteger(`module.${key}`, module[key], 0, 255);
  for (const key of ['vendor', 'part', 'serial'] as const)
    checkText(`module.${key}`, module[key], 0, VENDOR_BYTES);
  const { length } = checkIntegers('module.oui', module.oui, 0, 255);
  if (length !== 3) throw new RangeError(`module.oui must be three bytes, got ${length}`);
}

/** @throws TypeError or RangeError if `value` is not so many characters of ASCII that can be printed. */
export function checkText(name: string, value: unknown, min: number, max: number): void {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, got ${value}`);
  if (!/^[ -~]*$/.test(value) || value.length < min || value.length > max)
    throw new RangeError(
      `${name} must be ${min} to ${max} characters of ASCII, got ${JSON.stringify(value)}`,
    );
}

/** The 256 bytes that a module answers with at A0h (SFF-8472). */
export function sfpMemory(module: SfpModule): Uint8Array {
  const bytes = new Uint8Array(256);
  bytes.set([IDENTIFIER_SFP, 4, CONNECTOR_LC, module.codes10g, 0, 0, module.codes1g, 0, module.cable]);
  // Encoding 64B/66B, 10.3 Gbd in hundreds of MBd.
  bytes.set([6, 103], 11);
  text(bytes, AT.vendor, module.vendor);
  bytes.set(module.oui, AT.oui);
  text(bytes, AT.part, module.part);
  text(bytes, AT.serial, module.serial);
  bytes[AT.checkBase] = sum(bytes, 0, AT.checkBase);
  bytes[AT.checkExtended] = sum(bytes, AT.checkBase + 1, AT.checkExtended);
  return bytes;
}

function text(bytes: Uint8Array, at: number, value: string): void {
  for (let i = 0; i < VENDOR_BYTES; i++) bytes[at + i] = i < value.length ? value.charCodeAt(i) : 0x20;
}

function sum(bytes: Uint8Array, from: number, to: number): number {
  let total = 0;
  for (let i = from; i < to; i++) total += bytes[i];
  return total;
}
