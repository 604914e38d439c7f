import { type BarWindow, type DeviceHandle, SoftwareError } from '../host/index.ts';
import { macOfWords } from '../wire/index.ts';
import { DataPath, type SoftwareCosts } from './data-path.ts';
import {
  ApiVersion,
  CLEAR_TO_SEND,
  FAILURE,
  INFORMATION_SHIFT,
  MailboxOperation,
  multicastHash,
  SUCCESS,
} from './mailbox-protocol.ts';
import { QueuePair } from './queue-pair.ts';

/** How a VF driver works. */
export interface VfDriverOptions {
  readonly ringSize: number;
  readonly mode: 'interrupt' | 'poll';
  readonly costs: SoftwareCosts;
  /** VLANs whose tags this guest uses itself. */
  readonly vlans: readonly number[];
  /** Group addresses to receive. */
  readonly groups: readonly number[];
  /** Whether the card drops a frame for which there is no descriptor; else it waits. Default true. */
  readonly drops?: boolean;
}

// VF registers (82599 datasheet 8.3).
const VFCTRL = 0x000;
const VFCTRL_RST = 1 << 26;
const VFLINKS = 0x010;
const VTEIMS = 0x108;
const VTEIMC = 0x10c;
const VTEIAC = 0x110;
const VTEIAM = 0x114;
const VTIVAR = 0x120;
const VTIVAR_MISC = 0x140;
const VFMBMEM = 0x200;
const VFMAILBOX = 0x2fc;
const VTEITR = 0x820;
const VF_RECEIVE = 0x1000;
const VF_TRANSMIT = 0x2000;

const MBX_REQ = 1 << 0;
const MBX_ACK = 1 << 1;
const MBX_VFU = 1 << 2;
const MBX_PFSTS = 1 << 4;
const MBX_PFACK = 1 << 5;
const MBX_RSTD = 1 << 7;
const LINK_UP = 1 << 30;
const IVAR_VALID = 0x80;

/** Vector of the queue pair, and vector of the mailbox. */
const QUEUE_VECTOR = 0;
const MAILBOX_VECTOR = 1;
/** EITR: five units of 2.048 us between two interrupts, about 97,656 a second. */
const THROTTLE = 5 << 3;
/** Between two looks at a mailbox or a status bit, and how often it is looked at: 1 s in all. */
const POLL_PS = 10_000_000;
const POLLS = 100_000;

/**
 * Driver of an 82599 VF, in the order of the datasheet's 4.6.10: reset, mailbox handshake with the PF's
 * driver, rings, interrupts. It has its {@link DeviceHandle} and nothing else.
 *
 * @example
 * const driver = new IxgbevfDriver(handle, options);
 * driver.start();
 * driver.path.send(template, 0);
 */
export class IxgbevfDriver {
  readonly path: DataPath;
  /** Address that the PF has given this VF. */
  mac = 0;
  /** Queues that the PF allows. */
  queues = 1;
  private readonly handle: DeviceHandle;
  private readonly bar: BarWindow;
  private readonly options: VfDriverOptions;
  private clearToSend = 0;
  /** PFSTS and PFACK clear when they are read: what has been seen of them is kept. */
  private seen = 0;

  constructor(handle: DeviceHandle, options: VfDriverOptions) {
    this.handle = handle;
    this.options = options;
    this.bar = handle.bar(0);
    const queue = new QueuePair(handle, this.bar, {
      receiveRegisters: VF_RECEIVE,
      transmitRegisters: VF_TRANSMIT,
      ringSize: options.ringSize,
      drops: options.drops,
    });
    const polls = options.mode === 'poll';
    const unmask = polls ? null : () => this.bar.write32(VTEIMS, 1 << QUEUE_VECTOR);
    this.path = new DataPath(handle, queue, options.costs, unmask);
  }

  /**
   * Brings the VF up.
   *
   * @throws SoftwareError if the PF does not answer, or refuses.
   */
  start(): void {
    const bar = this.bar;
    const { mode, vlans, groups } = this.options;
    this.handle.configWrite(0x04, 2, 0x0004); // Bus Master Enable, all that a VF's Command has
    bar.write32(VTEIMC, 0x7);
    bar.write32(VFCTRL, VFCTRL_RST);
    this.waitFor('the PF to be ready', () => (bar.read32(VFMAILBOX) & MBX_RSTD) !== 0);

    const reset = this.request([MailboxOperation.RESET], 4);
    this.mac = macOfWords(reset[1], reset[2]);
    this.clearToSend = CLEAR_TO_SEND;
    this.request([MailboxOperation.NEGOTIATE_API, ApiVersion.V1_3], 1);
    this.queues = this.request([MailboxOperation.GET_QUEUES], 5)[1];
    for (const vlan of vlans) this.request([MailboxOperation.SET_VLAN | (1 << INFORMATION_SHIFT), vlan], 1);
    if (groups.length > 0) {
      const words = [MailboxOperation.SET_MULTICAST | (groups.length << INFORMATION_SHIFT)];
      groups.forEach((group, i) => {
        words[1 + (i >> 1)] = (words[1 + (i >> 1)] ?? 0) | (multicastHash(group) << (16 * (i & 1)));
      });
      this.request(words, 1);
    }

    this.path.queue.start();
    if (mode === 'interrupt') this.connectInterrupts();
    this.waitFor('the link', () => (bar.read32(VFLINKS) & LINK_UP) !== 0);
    this.path.start();
  }

  /** Takes the VF down. The PF's driver has stopped what is sent to it. */
  stop(): void {
    this.path.stop();
    this.bar.write32(VTEIMC, 0x7);
  }

  private connectInterrupts(): void {
    const bar = this.bar;
    const queue = IVAR_VALID | QUEUE_VECTOR;
    bar.write32(VTIVAR, queue | (queue << 8));
    bar.write32(VTIVAR_MISC, IVAR_VALID | MAILBOX_VECTOR);
    bar.write32(VTEITR, THROTTLE);
    // The message clears its cause and masks it: the soft half unmasks when nothing is left.
    bar.write32(VTEIAC, 1 << QUEUE_VECTOR);
    bar.write32(VTEIAM, 1 << QUEUE_VECTOR);
    this.handle.connectInterrupt(QUEUE_VECTOR, this.path.interrupt);
  }

  /** Sends a message to the PF and returns the `words` words of its reply. @throws SoftwareError if it refuses. */
  request(message: readonly number[], words: number): number[] {
    const bar = this.bar;
    this.waitFor('the mailbox', () => {
      bar.write32(VFMAILBOX, MBX_VFU);
      return (this.readMailbox() & MBX_VFU) !== 0;
    });
    message.forEach((word, i) => {
      bar.write32(VFMBMEM + 4 * i, i === 0 ? word | this.clearToSend : word);
    });
    this.seen &= ~(MBX_PFACK | MBX_PFSTS);
    bar.write32(VFMAILBOX, MBX_REQ);
    this.waitFor('the PF to take a message', () => (this.readMailbox() & MBX_PFACK) !== 0);
    this.waitFor('the PF to answer', () => (this.readMailbox() & MBX_PFSTS) !== 0);
    const reply = Array.from({ length: words }, (_, i) => bar.read32(VFMBMEM + 4 * i));
    bar.write32(VFMAILBOX, MBX_ACK);
    this.seen = 0;
    if ((reply[0] & FAILURE) !== 0 || (reply[0] & SUCCESS) === 0) {
      throw new SoftwareError(`${this.handle.name}: the PF refused message ${message[0] & 0xffff}`);
    }
    return reply;
  }

  private readMailbox(): number {
    const value = this.bar.read32(VFMAILBOX);
    this.seen |= value & (MBX_PFACK | MBX_PFSTS);
    return value | this.seen;
  }

  private waitFor(what: string, condition: () => boolean): void {
    for (let i = 0; i < POLLS; i++) {
      if (condition()) return;
      this.handle.wait(POLL_PS);
    }
    throw new SoftwareError(`${this.handle.name}: waited for ${what} in vain`);
  }
}
