import { type Scheduler, Timer } from '../kernel/index.ts';
import type { RootComplex } from '../pcie/index.ts';
import type { AddressSpace, DmaRegion } from './address-space.ts';
import { type InterruptController, MESSAGE_ADDRESS } from './interrupt-controller.ts';
import { SoftwareError } from './software-error.ts';
import type { WriteWatch } from './write-watch.ts';

/** Standard configuration registers that a handle needs (PCI 3.0, 6.1 and 6.7). */
const CAPABILITIES_POINTER = 0x34;
const CAP_ID_MSIX = 0x11;
const MSIX_ENABLE = 0x8000;

/** A BAR of a function as a driver has it mapped. */
export class BarWindow {
  readonly base: number;
  private readonly rootComplex: RootComplex;

  constructor(rootComplex: RootComplex, base: number) {
    this.rootComplex = rootComplex;
    this.base = base;
  }

  /** Reads a register: a round trip over the link, which the machine runs through before the call returns. */
  read32(offset: number): number {
    return this.rootComplex.read(this.base + offset, 4);
  }

  /** Writes a register: posted, the call returns while the write travels. */
  write32(offset: number, value: number): void {
    this.rootComplex.write32(this.base + offset, value);
  }
}

/** What a handle is made of. */
export interface DeviceHandleParts {
  readonly name: string;
  readonly routingId: number;
  /** Address of each memory BAR by its number, as enumeration placed it. */
  readonly barBases: Readonly<Record<number, number>>;
  readonly scheduler: Scheduler;
  readonly rootComplex: RootComplex;
  readonly interrupts: InterruptController;
  readonly memory: AddressSpace;
  readonly watch: WriteWatch;
  /** From a message's arrival at the root complex to the handler's first instruction, in ps. */
  readonly interruptLatencyPs: number;
}

/**
 * All that a driver has of its device: configuration space, BARs, memory for DMA, interrupts, time. The
 * drivers of this project have no other way, and a driver of yours gets the same.
 *
 * @example
 * const bar = handle.bar(0);
 * const ring = handle.allocateDma(512 * 16);
 * bar.write32(0x1000, ring.address % 2 ** 32);
 * handle.connectInterrupt(0, () => console.log('interrupt at', handle.now));
 */
export class DeviceHandle {
  readonly name: string;
  readonly routingId: number;
  private readonly parts: DeviceHandleParts;
  /** Message data by vector. */
  private readonly vectors = new Map<number, number>();

  constructor(parts: DeviceHandleParts) {
    this.name = parts.name;
    this.routingId = parts.routingId;
    this.parts = parts;
  }

  /** Simulated time in ps. */
  get now(): number {
    return this.parts.scheduler.now;
  }

  /** A configuration read of 1, 2 or 4 bytes. */
  configRead(offset: number, bytes: number): number {
    return this.parts.rootComplex.configRead(this.routingId, offset, bytes);
  }

  /** A configuration write of 1, 2 or 4 bytes. */
  configWrite(offset: number, bytes: number, value: number): void {
    this.parts.rootComplex.configWrite(this.routingId, offset, bytes, value);
  }

  /**
   * The BAR with this number.
   *
   * @throws RangeError if the function has no such memory BAR.
   */
  bar(index: number): BarWindow {
    const base = this.parts.barBases[index];
    if (base === undefined) throw new RangeError(`${this.name} has no memory BAR ${index}`);
    return new BarWindow(this.parts.rootComplex, base);
  }

  /** Memory that the device can reach, on whole pages. */
  allocateDma(bytes: number): DmaRegion {
    return this.parts.memory.allocate(bytes);
  }

  /**
   * Has `handler` called for the function's MSI-X vector `vector`: fills in the table entry and enables
   * MSI-X.
   *
   * @throws {@link SoftwareError} if the function has no MSI-X capability.
   */
  connectInterrupt(vector: number, handler: () => void): void {
    const { interrupts, interruptLatencyPs } = this.parts;
    this.vectors.set(vector, interrupts.allocate(this.routingId, interruptLatencyPs, handler));
    this.restoreInterrupts();
  }

  /** Fills in the MSI-X table again after the device has been reset, and with it lost what was there. */
  restoreInterrupts(): void {
    const capability = this.findCapability(CAP_ID_MSIX);
    if (capability === 0) throw new SoftwareError(`${this.name} has no MSI-X capability, or is gone`);
    const table = this.configRead(capability + 4, 4);
    const window = this.bar(table & 7);
    for (const [vector, data] of this.vectors) {
      const entry = table - (table & 7) + 16 * vector;
      window.write32(entry, MESSAGE_ADDRESS);
      window.write32(entry + 4, 0);
      window.write32(entry + 8, data);
      window.write32(entry + 12, 0);
    }
    const control = this.configRead(capability + 2, 2);
    if ((control & MSIX_ENABLE) === 0) this.configWrite(capability + 2, 2, control | MSIX_ENABLE);
  }

  /** A timer of the driver's own. */
  timer(name: string, handler: () => void): Timer {
    return new Timer(this.parts.scheduler, `${this.name}.${name}`, handler);
  }

  /** A watcher for polling loops; see {@link DeviceHandle.watchPage}. */
  watcher(callback: () => void): number {
    return this.parts.watch.add(callback);
  }

  /**
   * Calls the watcher back, once, when the device next writes to the page with this number, which
   * {@link DmaRegion.pageOf} gives.
   */
  watchPage(watcher: number, page: number): void {
    this.parts.watch.arm(watcher, page);
  }

  /** Lets `durationPs` pass, as a driver does that waits for its device while it sets it up. */
  wait(durationPs: number): void {
    this.parts.scheduler.runUntil(this.parts.scheduler.now + durationPs);
  }

  private findCapability(id: number): number {
    let at = this.configRead(CAPABILITIES_POINTER, 1) & 0xfc;
    // At most 48 capabilities fit below 256 bytes: a chain that is longer runs in a circle.
    for (let left = 48; left > 0 && at !== 0; left--) {
      if (this.configRead(at, 1) === id) return at;
      at = this.configRead(at + 1, 1) & 0xfc;
    }
    return 0;
  }
}
