import { SparseMemory } from '../../src/base/index.ts';
import {
  AddressSpace,
  type BarWindow,
  DeviceHandle,
  InterruptController,
  WriteWatch,
} from '../../src/host/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import type { RootComplex } from '../../src/pcie/index.ts';

/** Registers that hold what is written to them, and a note of the writes. */
export class FakeDevice {
  readonly registers = new Map<number, number>();
  readonly writes: [offset: number, value: number][] = [];
  readonly memory = new SparseMemory();
  readonly scheduler = new Scheduler();
  /** Called after each write. */
  onWrite: (offset: number, value: number) => void = () => {};
  readonly handle: DeviceHandle;

  /** @param bytes of memory for DMA, which lies where the device addresses it. */
  constructor(bytes = 2 ** 24) {
    // A handle does with its root complex no more than this.
    const rootComplex = {
      read: (address: number) => this.read(address),
      write32: (address: number, value: number) => this.write(address, value),
      configRead: () => 0,
      configWrite: () => {},
    } as unknown as RootComplex;
    this.handle = new DeviceHandle({
      name: 'fake',
      routingId: 0x0100,
      barBases: { 0: 0 },
      scheduler: this.scheduler,
      rootComplex,
      interrupts: new InterruptController('interrupts', this.scheduler),
      memory: new AddressSpace(this.memory, 0x10_0000, 0x10_0000 + bytes, (address) => address),
      watch: new WriteWatch(),
      interruptLatencyPs: 0,
    });
  }

  get bar(): BarWindow {
    return this.handle.bar(0);
  }

  read(offset: number): number {
    return this.registers.get(offset) ?? 0;
  }

  write(offset: number, value: number): void {
    this.registers.set(offset, value);
    this.writes.push([offset, value]);
    this.onWrite(offset, value);
  }

  /** Values written to a register, in order. */
  writtenTo(offset: number): number[] {
    return this.writes.filter(([at]) => at === offset).map(([, value]) => value);
  }
}
