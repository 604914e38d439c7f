import type { BarTarget } from '../../pcie/index.ts';
import type { RegisterFile } from '../../registers/index.ts';
import type { ChipInterrupts } from './chip-interrupts.ts';

/** A register that the card has itself, behind these (82599 data sheet 8.2.3.5). */
const GPIE = 0x898;
/** Bits of GPIE. */
const MULTIPLE_MSIX = 1 << 4;
const OCD = 1 << 5;
const EIMEN = 1 << 6;
const LL_INTERVAL_SHIFT = 7;
const LL_INTERVAL = 0xf;
const EIAME = 1 << 30;
const PBA_SUPPORT = 1 << 31;
/** GCR_EXT.APBACD. */
const APBACD = 1 << 4;
/** Causes that GPIE.OCD leaves to be cleared by being read. */
const OTHER_CAUSES = 0x3fff_0000;
/** Valid bit of a byte of IVAR. */
const IVAR_VALID = 0x80;
/** The PF's number among the functions that interrupt. */
const PF = 0;
/** Vectors that have a cause of their own in EICR: the extended registers show these again. */
const SHARED = 0xffff;
/** Words of PBACL that the PF's vectors have. */
const PENDING_WORDS = 2;

/** Registers of a VF that the PF sees, too, by what they are in the VF. */
const SEEN_BY_PF = {
  PVTEICR: 0x100,
  PVTEICS: 0x104,
  PVTEIMS: 0x108,
  PVTEIMC: 0x10c,
  PVTEIAC: 0x110,
  PVTEIAM: 0x114,
  PVTIVAR_MISC: 0x140,
} as const;

/**
 * The PF's interrupt registers, and the VFs' as it sees them (82599 data sheet 7.3.1, 8.2.3.5). Causes are cleared by their message
 * (EIAC) in MSI-X mode only. They are masked (EIAM) by their message where GPIE.EIAME is set, and else by a read of EICR or a write
 * that clears them; then a write of EICS enables them again. Reading EICS tells the causes and clears none.
 */
export class InterruptRegisters {
  private readonly file: RegisterFile;
  private readonly core: BarTarget;
  private readonly interrupts: ChipInterrupts;

  constructor(file: RegisterFile, core: BarTarget, interrupts: ChipInterrupts, vfs: readonly BarTarget[]) {
    this.file = file;
    this.core = core;
    this.interrupts = interrupts;
    this.hookCauses();
    this.hookModes();
    this.hookExtended();
    this.hookVectors();
    for (const [name, offset] of Object.entries(SEEN_BY_PF)) {
      file.onRead(name, (vf) => vfs[vf].read32(offset, 4) | 0);
      file.onWrite(name, (vf, _, written) => vfs[vf].write32(offset, written, 15));
    }
  }

  private get gpie(): number {
    return this.core.read32(GPIE, 4);
  }

  /** EIAM by reads and writes, not by messages. */
  private get masksByAccess(): boolean {
    return (this.gpie & EIAME) === 0;
  }

  private hookCauses(): void {
    const { file, interrupts } = this;
    file.onRead('EICR', () => {
      const causes = interrupts.causes[PF];
      this.maskAccessed(causes);
      interrupts.clear(PF, (this.gpie & OCD) !== 0 ? OTHER_CAUSES : -1);
      return causes;
    });
    file.onWrite('EICR', (_, __, written) => {
      const cleared = interrupts.causes[PF] & written;
      interrupts.clear(PF, written);
      this.maskAccessed(cleared);
    });
    file.onRead('EICS', () => interrupts.causes[PF]);
    file.onWrite('EICS', (_, __, written) => {
      if (this.masksByAccess) interrupts.enable(PF, written & file.get('EIAM'));
      interrupts.set(PF, written);
    });
  }

  private hookModes(): void {
    const { file, core } = this;
    file.onRead('GPIE', () => core.read32(GPIE, 4) | 0);
    file.onWrite('GPIE', (_, __, written) => {
      core.write32(GPIE, written, 15);
      this.apply();
    });
    for (const name of ['EIAC', 'EIAM']) file.onWrite(name, () => this.apply());
  }

  private hookExtended(): void {
    const { file, interrupts } = this;
    file.onRead(
      'EIMS_EX',
      (word) => interrupts.highEnabled[word] | (word === 0 ? interrupts.enabled[PF] & SHARED : 0),
    );
    file.onWrite('EIMS_EX', (word, _, written) => {
      interrupts.enableHigh(word, word === 0 ? written & ~SHARED : written);
      if (word === 0) interrupts.enable(PF, written & SHARED);
    });
    file.onWrite('EIMC_EX', (word, _, written) => {
      interrupts.disableHigh(word, written);
      if (word === 0) interrupts.disable(PF, written & SHARED);
    });
    file.onWrite('EICS_EX', (word, _, written) => {
      interrupts.setHigh(word, written);
      if (word === 0) interrupts.set(PF, written & SHARED);
    });
    file.onRead('EIAM_EX', (word, stored) =>
      word === 0 ? (stored & ~SHARED) | (file.get('EIAM') & SHARED) : stored,
    );
    file.onWrite('EIAM_EX', (word, stored) => {
      if (word === 0) file.set('EIAM', (file.get('EIAM') & ~SHARED) | (stored & SHARED));
      this.apply();
    });
  }

  private hookVectors(): void {
    const { file, interrupts } = this;
    file.onRead('EITR', (vector) => interrupts.readThrottle(PF, vector));
    file.onWrite('EITR', (vector, _, written) => interrupts.writeThrottle(PF, vector, written));
    file.onWrite('IVAR_MISC', (_, stored) => {
      interrupts.timerVector = vectorIn(stored);
      interrupts.otherVector[PF] = vectorIn(stored >> 8);
    });
    file.onRead('PBACL', (word) => (word < PENDING_WORDS ? interrupts.readPending(PF, word) | 0 : 0));
    file.onWrite('PBACL', (word, _, written) => {
      if (word < PENDING_WORDS) interrupts.clearPending(PF, word, written);
    });
  }

  private maskAccessed(causes: number): void {
    if (this.masksByAccess) this.interrupts.disable(PF, causes & this.file.get('EIAM'));
  }

  /** What happens with a message, as GPIE, GCR_EXT, EIAC and EIAM have it now. */
  apply(): void {
    const { file, interrupts, gpie } = this;
    const { mode, throttles, highAutoMask } = interrupts;
    mode.isMultiple = (gpie & MULTIPLE_MSIX) !== 0;
    mode.setsAtOnce = (gpie & EIMEN) !== 0;
    mode.enablingClearsPending = (gpie & PBA_SUPPORT) !== 0 && (file.get('GCR_EXT') & APBACD) === 0;
    throttles.setCreditRate((gpie >> LL_INTERVAL_SHIFT) & LL_INTERVAL);
    const masks = (gpie & EIAME) !== 0;
    interrupts.autoClear[PF] = mode.isMultiple ? file.get('EIAC') : 0;
    interrupts.autoMask[PF] = masks ? file.get('EIAM') : 0;
    for (let word = 0; word < highAutoMask.length; word++)
      highAutoMask[word] = masks ? file.get('EIAM_EX', word) : 0;
  }
}

/** Where the byte of a queue is in the word of IVAR that it shares with another one. */
export function ivarShift(queue: number, transmit: boolean): number {
  return 16 * (queue & 1) + (transmit ? 8 : 0);
}

/** Vector, of 64, that a byte of IVAR or IVAR_MISC names; -1 for none. */
export function vectorIn(byte: number): number {
  return (byte & IVAR_VALID) !== 0 ? byte & 0x3f : -1;
}
