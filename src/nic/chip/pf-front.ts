import type { BarTarget } from '../../pcie/index.ts';
import type { RegisterFile } from '../../registers/index.ts';
import { receiveQueueAt, transmitQueueAt } from '../queue-offsets.ts';
import type { UnknownRegisters } from './unknown-registers.ts';

/** Transmit queues that the registers have room for. */
const QUEUES = 128;

/** BAR 0 of the PF: registers of a file in front of those that the card has itself; what neither has is noted. */
export class PfFront implements BarTarget {
  private readonly file: RegisterFile;
  private readonly core: BarTarget & { readonly file: RegisterFile };
  private readonly unknown: UnknownRegisters;

  constructor(
    file: RegisterFile,
    core: BarTarget & { readonly file: RegisterFile },
    unknown: UnknownRegisters,
  ) {
    this.file = file;
    this.core = core;
    this.unknown = unknown;
  }

  read32(offset: number, bytes: number): number {
    if (has(this.file, offset)) return this.file.read32(offset);
    if (!this.isCore(offset)) this.unknown.note('pf', offset, 'reads');
    return this.core.read32(offset, bytes);
  }

  write32(offset: number, value: number, byteEnables: number): void {
    if (has(this.file, offset)) {
      this.file.write32(offset, value, byteEnables);
      return;
    }
    if (!this.isCore(offset)) this.unknown.note('pf', offset, 'writes');
    this.core.write32(offset, value, byteEnables);
  }

  private isCore(offset: number): boolean {
    return has(this.core.file, offset) || receiveQueueAt(offset) >= 0 || transmitQueueAt(offset, QUEUES) >= 0;
  }
}

function has({ compiled }: RegisterFile, offset: number): boolean {
  const slot = compiled.slotAt[offset >>> 2];
  return slot !== undefined && slot >= 0;
}
