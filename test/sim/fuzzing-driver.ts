import { NANOSECOND } from '../../src/kernel/index.ts';
import type { PcieFunction } from '../../src/pcie/index.ts';
import { INTEL_82599_CHIP_REGISTERS, INTEL_82599_REGISTERS } from '../../src/profiles/index.ts';
import { compileTable } from '../../src/registers/index.ts';
import { Dice } from '../nic/chip/dice.ts';
import type { FuzzedMachine } from './fuzz-rig.ts';

/** What a fuzzing driver has of its function. */
export interface Targets {
  readonly fn: PcieFunction;
  /** Offsets in BAR 0 that are registers. */
  readonly registers: readonly number[];
  /** Bytes of BAR 0 and of the table's BAR, and its number. */
  readonly barBytes: number;
  readonly tableBar: number;
  /** First registers of receive and transmit queues that it may use. */
  readonly queues: readonly (readonly [receive: number, transmit: number])[];
  /** Offset of the register that resets the function, and the bits that do. */
  readonly resetBits: number;
}

/** Offsets in a queue's registers. */
const [BASE_LOW, BASE_HIGH, LENGTH, SRRCTL, TAIL, CONTROL] = [0, 4, 8, 0x14, 0x18, 0x28];
const ENABLE = 1 << 25;
/** Rings lie at the beginning of the region, buffers behind them. */
const RING_BYTES = 4096;
const BUFFERS = 0x8_0000;
const DESCRIPTORS = RING_BYTES / 16;
const [DTYP_CONTEXT, DTYP_DATA] = [2 << 20, 3 << 20];
const [EOP, IFCS, RS, DEXT, TSE] = [1 << 24, 1 << 25, 1 << 27, 1 << 29, 1 << 31];

/** A driver that does anything: see the operations of {@link FuzzingDriver.operate}. */
export class FuzzingDriver {
  private readonly machine: FuzzedMachine;
  private readonly targets: Targets;
  private readonly dice: Dice;
  private readonly macs: readonly number[];

  constructor(machine: FuzzedMachine, targets: Targets, seed: number) {
    this.machine = machine;
    this.targets = targets;
    this.dice = new Dice(seed);
    this.macs = machine.running.guests
      .slice(0, 3)
      .map((guest) => Number.parseInt(guest.vf(0).mac.replaceAll(':', ''), 16));
  }

  run(operations: number): void {
    for (let i = 0; i < operations; i++) this.operate();
  }

  /** Bytes that the function has read from memory, or written there, whichever are fewer. */
  framesSeen(): number {
    const { watch } = this.machine;
    const { routingId } = this.targets.fn;
    return Math.min(watch.read.get(routingId) ?? 0, watch.written.get(routingId) ?? 0);
  }

  private operate(): void {
    const { dice, targets } = this;
    const what = dice.below(1000);
    if (what < 300) this.write(0, dice.pick(targets.registers), this.registerValue());
    else if (what < 350) this.write(0, dice.below(targets.barBytes >> 2) << 2, this.registerValue());
    else if (what < 420) this.read(0, dice.pick(targets.registers));
    else if (what < 450) this.read(0, dice.below(targets.barBytes >> 2) << 2);
    else if (what < 640) this.writeDescriptor();
    else if (what < 740) this.bumpTail();
    else if (what < 820) this.startQueue();
    else if (what < 840) this.write(targets.tableBar, dice.below(0x1000) << 2, this.registerValue());
    else if (what < 860) this.sendFrame();
    else if (what < 862) this.upset();
    else this.machine.wait(dice.below(800) * NANOSECOND);
  }

  private upset(): void {
    const { dice, targets } = this;
    if (dice.oneIn(2)) this.write(0, 0, targets.resetBits & dice.value());
    else if (targets.fn.isVirtual) targets.fn.functionLevelReset();
    // What a reset has taken away the operating system gives back.
    const { nic } = this.machine.machine;
    nic.configWrite(targets.fn.routingId, 0x04, 2, 0x0006, 0);
  }

  private registerValue(): number {
    const { dice } = this;
    if (dice.oneIn(4)) return this.address() | 0;
    return dice.oneIn(6) ? dice.value() | ENABLE : dice.value();
  }

  /** An address for the function: mostly in its memory, sometimes across its end, or anywhere. */
  private address(): number {
    const { dice, machine } = this;
    const { region } = machine;
    if (dice.oneIn(16)) return (dice.word() >>> 0) + dice.below(1 << 20) * 2 ** 32;
    if (dice.oneIn(16)) return machine.machine.guests[0].space.end - dice.below(2048);
    return region.address + (dice.oneIn(3) ? dice.below(region.bytes) : dice.below(region.bytes >> 7) << 7);
  }

  private queue(): { registers: number; receives: boolean; ring: number } {
    const { dice, targets } = this;
    const index = dice.below(targets.queues.length);
    const receives = dice.oneIn(2);
    return {
      registers: targets.queues[index][receives ? 0 : 1],
      receives,
      ring: (2 * (index & 31) + (receives ? 0 : 1)) * RING_BYTES,
    };
  }

  private startQueue(): void {
    const { dice, machine } = this;
    const { registers, ring, receives } = this.queue();
    if (dice.oneIn(3)) this.write(0, registers + CONTROL, 0);
    this.write(0, registers + BASE_LOW, machine.region.address + ring);
    this.write(0, registers + BASE_HIGH, 0);
    this.write(0, registers + LENGTH, (8 + 8 * dice.below(DESCRIPTORS / 8)) * 16);
    if (receives) this.write(0, registers + SRRCTL, this.receiveControl());
    this.write(0, registers + CONTROL, dice.value() | ENABLE);
  }

  private receiveControl(): number {
    const { dice } = this;
    return (1 + dice.below(31)) | (dice.below(8) << 25) | (dice.below(64) << 8) | (dice.below(2) << 28);
  }

  private bumpTail(): void {
    this.write(0, this.queue().registers + TAIL, this.dice.below(DESCRIPTORS + 4));
  }

  private writeDescriptor(): void {
    const { dice, machine } = this;
    const { ring, receives } = this.queue();
    const first = dice.below(DESCRIPTORS);
    for (let i = 0; i < 1 + dice.below(8); i++) {
      const at = (ring >> 2) + 4 * ((first + i) % DESCRIPTORS);
      for (let word = 0; word < 4; word++) machine.region.write(at + word, dice.word());
      if (dice.oneIn(8)) continue;
      this.writeAddress(at);
      if (receives) this.writeAddress(at + 2);
      else {
        machine.region.write(at + 2, this.command());
        machine.region.write(at + 3, dice.word());
      }
    }
  }

  private writeAddress(word: number): void {
    const address = this.address();
    this.machine.region.write(word, address | 0);
    this.machine.region.write(word + 1, Math.floor(address / 2 ** 32) | 0);
  }

  private command(): number {
    const { dice } = this;
    const bytes = dice.oneIn(8) ? dice.below(0x1_0000) : dice.below(1600);
    const kind = dice.oneIn(5)
      ? DTYP_CONTEXT | DEXT
      : dice.oneIn(6)
        ? dice.word() & ~0xffff
        : DTYP_DATA | DEXT;
    return bytes | kind | (dice.word() & (EOP | RS)) | (dice.oneIn(4) ? TSE : IFCS);
  }

  /** A frame as it ought to be, from the guest or from somebody else, in a descriptor as it ought to be. */
  private sendFrame(): void {
    const { dice, machine, macs } = this;
    const { region } = machine;
    const { ring, receives, registers } = this.queue();
    if (receives) return;
    const at = BUFFERS + 2048 * dice.below(64);
    const bytes = 60 + dice.below(1400);
    const to = dice.oneIn(8) ? 0xffff_ffff_ffff : dice.oneIn(3) ? 0x02ee_0000_0001 : dice.pick(macs);
    const from = dice.oneIn(4) ? dice.pick(macs) : macs[0];
    const header = [to, from].flatMap((mac) =>
      [5, 4, 3, 2, 1, 0].map((i) => Math.floor(mac / 256 ** i) % 256),
    );
    region.writeBytes(at, Uint8Array.from([...header, 8, 0]), 0, 14);
    const word = (ring >> 2) + 4 * dice.below(DESCRIPTORS);
    region.write(word, region.address + at);
    region.write(word + 1, 0);
    region.write(word + 2, bytes | DTYP_DATA | DEXT | EOP | IFCS | RS);
    region.write(word + 3, bytes << 14);
    this.write(0, registers + TAIL, ((word - (ring >> 2)) / 4 + 1) % DESCRIPTORS);
  }

  private write(bar: number, offset: number, value: number): void {
    const { fn } = this.targets;
    this.machine.machine.nic.memoryWrite(fn.barBase(bar) + offset, value >>> 0, 15);
  }

  private read(bar: number, offset: number): void {
    const { fn } = this.targets;
    this.machine.machine.nic.memoryRead(fn.barBase(bar) + offset, 4);
  }
}

const QUEUE_REGISTERS = [0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x28, 0x2c];

/** The first VF. */
export function vfTargets(machine: FuzzedMachine): Targets {
  const queues = Array.from({ length: 8 }, (_, i) => [0x1000 + 64 * i, 0x2000 + 64 * i] as const);
  const own = [0x8, 0x10, 0x48, 0x100, 0x104, 0x108, 0x10c, 0x110, 0x114, 0x120, 0x124, 0x140, 0x148, 0x180];
  return {
    fn: machine.vf(0),
    registers: [
      ...own,
      ...[0x2fc, 0x300, 0x820, 0x824, 0x828],
      ...Array.from({ length: 16 }, (_, i) => 0x200 + 4 * i),
      ...queues.flatMap((pair) => pair.flatMap((first) => QUEUE_REGISTERS.map((offset) => first + offset))),
    ],
    barBytes: 0x4000,
    tableBar: 3,
    queues: queues.slice(0, 2),
    resetBits: 1 << 26,
  };
}

/** The PF, and all queues of the card through it. */
export function pfTargets(machine: FuzzedMachine): Targets {
  const queues = Array.from(
    { length: 128 },
    (_, i) => [i < 64 ? 0x1000 + 64 * i : 0xd000 + 64 * (i - 64), 0x6000 + 64 * i] as const,
  );
  const offsets = new Set<number>();
  for (const table of [INTEL_82599_REGISTERS, INTEL_82599_CHIP_REGISTERS]) {
    compileTable(table).slotAt.forEach((slot, dword) => {
      if (slot >= 0 && dword > 0) offsets.add(4 * dword);
    });
  }
  return {
    fn: machine.machine.nic.pf,
    registers: [
      ...offsets,
      ...queues.flatMap((pair) => pair.flatMap((first) => QUEUE_REGISTERS.map((offset) => first + offset))),
    ],
    barBytes: 0x2_0000,
    tableBar: 4,
    queues: [...queues.slice(0, 8), ...queues.slice(126)],
    resetBits: (1 << 26) | (1 << 3) | (1 << 2),
  };
}
