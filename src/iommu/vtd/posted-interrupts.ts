import type { PhysicalMemory } from '../../base/index.ts';
import { type Interrupt, type InterruptEntry, InterruptFaultReason } from './interrupt-entry.ts';

/** Bytes of a posted-interrupt descriptor. */
const DESCRIPTOR_BYTES = 64;
/** Its fields behind the 256 requests: ON and SN with NV, then NDST. */
const CONTROL = 32;
const DESTINATION = 36;
const OUTSTANDING = 1 << 0;
const SUPPRESSED = 1 << 1;
const CONTROL_RESERVED = ~0x00ff_0003;

/**
 * Posted interrupts (VT-d 5.2.5, 9.11): an interrupt of a guest becomes a bit of a descriptor in memory, and only the first
 * of several that the guest has not looked at yet is told to a processor.
 */
export class PostedInterrupts {
  /** Interrupts posted. */
  posted = 0;
  /** Those that were told by a notification. */
  notifications = 0;
  /** Those that needed none: a notification is outstanding. */
  spared = 0;
  /** Those for which none is wanted: SN. */
  suppressed = 0;
  private readonly memory: PhysicalMemory;
  private readonly memoryLimit: number;

  constructor(memory: PhysicalMemory, memoryLimit: number) {
    this.memory = memory;
    this.memoryLimit = memoryLimit;
  }

  /** Posts an interrupt: the notification, null if none is needed, or why it cannot be posted. */
  post(
    entry: InterruptEntry,
    sourceId: number,
    isExtended: boolean,
  ): Interrupt | null | InterruptFaultReason {
    const { memory } = this;
    const at = entry.descriptor;
    if (at + DESCRIPTOR_BYTES > this.memoryLimit) return InterruptFaultReason.DESCRIPTOR_INACCESSIBLE;
    const control = memory.read32(at + CONTROL);
    let reserved = control & CONTROL_RESERVED;
    for (let offset = DESTINATION + 4; offset < DESCRIPTOR_BYTES; offset += 4) {
      reserved |= memory.read32(at + offset);
    }
    if (reserved !== 0) return InterruptFaultReason.DESCRIPTOR_RESERVED;

    const { vector } = entry;
    const word = at + (vector >>> 5) * 4;
    memory.write32(word, memory.read32(word) | (1 << (vector & 31)));
    this.posted++;
    if ((control & OUTSTANDING) !== 0) {
      this.spared++;
      return null;
    }
    if ((control & SUPPRESSED) !== 0 && !entry.isUrgent) {
      this.suppressed++;
      return null;
    }
    memory.write32(at + CONTROL, control | OUTSTANDING);
    this.notifications++;
    const destination = memory.read32(at + DESTINATION);
    return {
      sourceId,
      vector: (control >>> 16) & 0xff,
      destination: isExtended ? destination : (destination >>> 8) & 0xff,
      isLogical: false,
      isRedirected: false,
      deliveryMode: 0,
      isLevel: false,
    };
  }

  /** Nothing counted. */
  reset(): void {
    this.posted = 0;
    this.notifications = 0;
    this.spared = 0;
    this.suppressed = 0;
  }
}
