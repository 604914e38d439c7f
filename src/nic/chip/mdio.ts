import type { RegisterFile } from '../../registers/index.ts';

/** Fields of MSCA (82599 data sheet 8.2.3.22.11). */
const MDI_COMMAND = 1 << 30;
const ADDRESS_SHIFT = 0;
const DEVICE_SHIFT = 16;
const PHY_SHIFT = 21;
const OPCODE_SHIFT = 26;
const ADDRESS_CYCLE = 0;
const WRITE = 1;
const READ_INCREMENT = 2;
const READ = 3;
/** HLREG0.MDCSPD: the clock has 24 MHz instead of 2.4. */
const MDCSPD = 1 << 16;
/** A frame has 64 bits, half of them preamble (IEEE 802.3 22.2.4.5). */
const FRAME_BITS = 64;
const SLOW_PS = 416_667;
const FAST_PS = 41_667;
/** What nobody drives is high. */
const NOBODY = 0xffff;
/** Bit of a device's control register: resets it, and is clear when that is over. */
const RESET = 0x8000;

/** Registers of a PHY, by device (MMD) and address: `device * 65536 + address`. */
export type PhyRegisters = Readonly<Record<number, number>>;

/**
 * Management data input/output: MSCA and MSRWD, and behind them the PHYs that are connected, by address. Without one a read
 * brings all ones (82599 data sheet 3.7.2; IEEE 802.3 clause 45).
 */
export class Mdio {
  private readonly clock: { readonly now: number };
  private readonly file: RegisterFile;
  private readonly hlreg0: () => number;
  private readonly phys: ReadonlyMap<number, Map<number, number>>;
  private readonly addresses = new Int32Array(32 * 32);
  private readyPs = Number.NEGATIVE_INFINITY;

  /** @param hlreg0 what HLREG0 holds. */
  constructor(
    clock: { readonly now: number },
    file: RegisterFile,
    hlreg0: () => number,
    phys: Readonly<Record<number, PhyRegisters>>,
  ) {
    this.clock = clock;
    this.file = file;
    this.hlreg0 = hlreg0;
    this.phys = new Map(
      Object.entries(phys).map(([address, registers]) => [
        Number(address),
        new Map(Object.entries(registers).map(([at, value]) => [Number(at), value])),
      ]),
    );
    file.onWrite('MSCA', (_, stored) => this.command(stored));
    file.onRead('MSCA', (_, stored) =>
      clock.now < this.readyPs ? stored | MDI_COMMAND : stored & ~MDI_COMMAND,
    );
  }

  private command(msca: number): void {
    if ((msca & MDI_COMMAND) === 0) return;
    this.readyPs = this.clock.now + FRAME_BITS * ((this.hlreg0() & MDCSPD) !== 0 ? FAST_PS : SLOW_PS);
    const phy = (msca >> PHY_SHIFT) & 31;
    const device = (msca >> DEVICE_SHIFT) & 31;
    const at = phy * 32 + device;
    const opcode = (msca >> OPCODE_SHIFT) & 3;
    // An address cycle is always of its own; the other cycles are of the address that it has set.
    if (opcode === ADDRESS_CYCLE) this.addresses[at] = (msca >> ADDRESS_SHIFT) & 0xffff;
    const registers = this.phys.get(phy);
    const key = device * 0x10000 + this.addresses[at];
    const data = this.file.get('MSRWD');
    if (opcode === WRITE) registers?.set(key, valueAfter(this.addresses[at], data & 0xffff));
    if (opcode === READ || opcode === READ_INCREMENT) {
      const value = registers === undefined ? NOBODY : (registers.get(key) ?? 0);
      this.file.set('MSRWD', (data & 0xffff) | (value << 16));
    }
    if (opcode === READ_INCREMENT) this.addresses[at] = (this.addresses[at] + 1) & 0xffff;
  }
}

/** A reset of a device is over at once. */
function valueAfter(address: number, written: number): number {
  return address === 0 ? written & ~RESET : written;
}
