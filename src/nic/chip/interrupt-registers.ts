import type { BarTarget } from '../../pcie/index.ts';
import type { RegisterFile } from '../../registers/index.ts';
import type { InterruptBlock } from '../interrupts.ts';

/** Registers that the card has itself, behind these (82599 data sheet 8.2.3.5). */
const EICR = 0x800;
const EICS = 0x808;
const GPIE = 0x898;
/** GPIE.Multiple_MSIX and GPIE.EIAME. */
const MULTIPLE_MSIX = 1 << 4;
const EIAME = 1 << 30;
/** The PF's number in the interrupt block. */
const PF = 0;
/** Vectors that have a cause of their own in EICR: the extended registers show these again. */
const SHARED = 0xffff;

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
 * What GPIE makes of EIAC and EIAM, the extended registers, and the VFs' registers as the PF sees them (82599 data sheet 7.3.1,
 * 8.2.3.5). Causes are cleared by their message (EIAC) in MSI-X mode only. They are masked (EIAM) by their message where GPIE.EIAME
 * is set, and else by a read of EICR or a write that clears them; then a write of EICS enables them again.
 */
export class InterruptRegisters {
  private readonly file: RegisterFile;
  private readonly core: BarTarget;
  private readonly interrupts: InterruptBlock;

  constructor(
    file: RegisterFile,
    core: BarTarget,
    interrupts: InterruptBlock,
    vfs: readonly { readonly core: BarTarget | null }[],
  ) {
    this.file = file;
    this.core = core;
    this.interrupts = interrupts;
    this.hookModes();
    this.hookExtended();
    for (const [name, offset] of Object.entries(SEEN_BY_PF)) {
      file.onRead(name, (vf) => (vfs[vf]?.core?.read32(offset, 4) ?? 0) | 0);
      file.onWrite(name, (vf, _, written) => vfs[vf]?.core?.write32(offset, written, 15));
    }
  }

  private get gpie(): number {
    return this.core.read32(GPIE, 4);
  }

  /** EIAM by reads and writes, not by messages. */
  private get masksByAccess(): boolean {
    return (this.gpie & EIAME) === 0;
  }

  private hookModes(): void {
    const { file, core, interrupts } = this;
    file.onRead('GPIE', () => core.read32(GPIE, 4) | 0);
    file.onWrite('GPIE', (_, __, written) => {
      core.write32(GPIE, written, 15);
      this.apply();
    });
    for (const name of ['EIAC', 'EIAM']) file.onWrite(name, () => this.apply());
    file.onRead('EICR', () => {
      const causes = core.read32(EICR, 4) | 0;
      this.maskAccessed(causes);
      return causes;
    });
    file.onWrite('EICR', (_, __, written) => {
      const cleared = interrupts.causes[PF] & written;
      core.write32(EICR, written, 15);
      this.maskAccessed(cleared);
    });
    file.onWrite('EICS', (_, __, written) => {
      if (this.masksByAccess) interrupts.enable(PF, written & file.get('EIAM'));
      core.write32(EICS, written, 15);
    });
  }

  private hookExtended(): void {
    const { file, interrupts } = this;
    file.onRead('EIMS_EX', (word, stored) =>
      word === 0 ? (stored & ~SHARED) | (interrupts.enabled[PF] & SHARED) : stored,
    );
    file.onWrite('EIMS_EX', (word, _, written, before) => {
      file.set('EIMS_EX', before | written, word);
      if (word === 0) interrupts.enable(PF, written & SHARED);
    });
    file.onWrite('EIMC_EX', (word, _, written) => {
      file.set('EIMS_EX', file.get('EIMS_EX', word) & ~written, word);
      if (word === 0) interrupts.disable(PF, written & SHARED);
    });
    file.onWrite('EICS_EX', (word, _, written) => {
      if (word === 0) this.core.write32(EICS, written & SHARED, 15);
    });
    file.onWrite('EIAM_EX', (word, stored) => {
      if (word !== 0) return;
      file.set('EIAM', (file.get('EIAM') & ~SHARED) | (stored & SHARED));
      this.apply();
    });
  }

  private maskAccessed(causes: number): void {
    if (this.masksByAccess) this.interrupts.disable(PF, causes & this.file.get('EIAM'));
  }

  /** What happens with a message, as the registers have it now. */
  private apply(): void {
    const { file, interrupts, gpie } = this;
    interrupts.autoClear[PF] = (gpie & MULTIPLE_MSIX) !== 0 ? file.get('EIAC') : 0;
    interrupts.autoMask[PF] = (gpie & EIAME) !== 0 ? file.get('EIAM') : 0;
  }
}
