import { intel82599Chip } from '../../../src/profiles/index.ts';
import type { Intel82599ChipOptions } from '../../../src/profiles/intel-82599-chip.ts';
import { Card } from '../card.ts';

/** What software has of a function: its registers, and time. */
export interface Driver {
  read(offset: number): number;
  write(offset: number, value: number): void;
  /** Lets so many microseconds pass. */
  delay(microseconds: number): void;
}

/** A card with the chip's registers, alone. */
export class ChipCard extends Card implements Driver {
  constructor(options: Intel82599ChipOptions = {}, linkGbps = 10) {
    super(linkGbps, intel82599Chip(options));
  }

  override read(offset: number): number {
    return this.nic.pf.bar(0).read32(offset, 4) >>> 0;
  }

  override write(offset: number, value: number): void {
    this.nic.pf.bar(0).write32(offset, value >>> 0, 15);
  }

  delay(microseconds: number): void {
    this.wait(microseconds * 1e6);
  }

  /** A VF as its driver has it. */
  asVf(vf: number): Driver {
    return {
      read: (offset) => this.readVf(vf, offset),
      write: (offset, value) => this.writeVf(vf, offset, value),
      delay: (microseconds) => this.delay(microseconds),
    };
  }
}

/** Reads a register until all bits of `mask` are as `set` says, with a delay in between; throws after `tries`. */
export function poll(
  driver: Driver,
  offset: number,
  mask: number,
  set: boolean,
  microseconds: number,
  tries: number,
): void {
  for (let i = 0; i < tries; i++) {
    const bits = driver.read(offset) & mask;
    if (set ? bits === (mask | 0) : bits === 0) return;
    driver.delay(microseconds);
  }
  throw new Error(`time is up at 0x${offset.toString(16)}, bits 0x${(mask >>> 0).toString(16)}`);
}

/** Sets bits of a register, or clears them. */
export function change(driver: Driver, offset: number, set: number, clear = 0): void {
  driver.write(offset, ((driver.read(offset) & ~clear) | set) >>> 0);
}
