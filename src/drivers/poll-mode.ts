import { checkInteger, checkKeys, checkOneOf, checkPowerOfTwo } from '../base/index.ts';
import { type BarWindow, type DeviceHandle, type DmaRegion, SoftwareError } from '../host/index.ts';
import type { Timer } from '../kernel/index.ts';
import type { SoftwareCosts } from './data-path.ts';
import type { FrameTemplate } from './frame-template.ts';
import { LINK_UP, LINKS } from './ixgbe-registers.ts';
import { PollModeBuffers, PollModeRing } from './poll-mode-ring.ts';

/** How a polling driver works; everything but its costs has a default. */
export interface PollModeOptions {
  /** What its loop costs the processor. */
  readonly costs: SoftwareCosts;
  /** Descriptors of each ring, a power of two from 64 to 4,096. Default 512. */
  readonly ringSize?: number;
  /** Frames that a pass takes and gives at most, 1 to 64. Default 32. */
  readonly batch?: number;
  /** TXDCTL.PTHRESH, HTHRESH and WTHRESH, 0 to 127. Default 36, 8 and 4. */
  readonly prefetchThreshold?: number;
  readonly hostThreshold?: number;
  readonly writeBackThreshold?: number;
  /** Whether the card reports what it has sent in descriptors, or writes its head to memory. Default `descriptors`. */
  readonly reports?: 'descriptors' | 'head';
}

/** Takes what a polling driver receives. */
export interface PollModeHandler {
  /** A frame: `bytes` of it from word `at` of `words` on, without check sequence. Returns whether it is sent on, as it lies there. */
  received(words: Int32Array, at: number, bytes: number): boolean;
}

const KEYS: Readonly<Record<keyof PollModeOptions, true>> = {
  costs: true,
  ringSize: true,
  batch: true,
  prefetchThreshold: true,
  hostThreshold: true,
  writeBackThreshold: true,
  reports: true,
};

// Registers in the order of their use (82599 data sheet 8.2.3).
const EIMC = [0x888, 0xab0, 0xab4] as const;
const CTRL = 0x0;
/** CTRL.LRST and CTRL.RST: a global reset, link and all. */
const CTRL_RESET = (1 << 3) | (1 << 26);
const EEC = 0x10010;
const EEC_AUTO_RD = 1 << 9;
const RDRXCTL = 0x2f00;
const RDRXCTL_CRCSTRIP = 1 << 1;
const RDRXCTL_DMAIDONE = 1 << 3;
/** Statistics that a driver reads, and so clears: frames and bytes received and sent. */
const STATISTICS = [0x4074, 0x4080, 0x4088, 0x408c, 0x4090, 0x4094] as const;
const FCTRL = 0x5080;
/** FCTRL.MPE, UPE and BAM: everything. */
const FCTRL_ALL = (1 << 8) | (1 << 9) | (1 << 10);
const HLREG0 = 0x4240;
const HLREG0_TXCRCEN = 1 << 0;
const HLREG0_RXCRCSTRP = 1 << 1;
const HLREG0_TXPADEN = 1 << 10;
const RXCTRL = 0x3000;
const DMATXCTL = 0x4a80;
const DMATXCTL_TE = 1 << 0;
const RECEIVE_0 = 0x1000;
const TRANSMIT_0 = 0x6000;
const SRRCTL = 0x14;
/** Buffers of two KiB, one advanced descriptor each, drop where there is none. */
const SRRCTL_ADVANCED = 2 | (1 << 25) | (1 << 28);
const TDWBAL = 0x38;
const TDWBAH = 0x3c;
const HEAD_WB_EN = 1;

/** Data sheet 4.6.3.2: after a global reset software waits so long. */
const RESET_PS = 10_000_000_000;
const POLL_PS = 1_000_000_000;
const POLLS = 1000;

/** A descriptor that is a whole frame: DTYP 3, EOP, IFCS, DEXT (7.2.3.2.4); and RS. */
const COMMAND = (3 << 20) | (1 << 24) | (1 << 25) | (1 << 29);
const REPORT_STATUS = 1 << 27;
const DONE = 1;

/**
 * A driver of an 82599 that never takes an interrupt: it looks at its rings again and again, as user-space drivers do. One queue
 * each way, all frames of the port. It is written to be read, in the order of the data sheet's chapter 4.6.3, with the section
 * of each step; it has its {@link DeviceHandle} and nothing else.
 *
 * @example
 * const driver = new PollModeDriver(handle, { costs: profiles.host.xeonE5v4.software.poll });
 * driver.handler = { received: () => true }; // an echo
 * driver.start();
 */
export class PollModeDriver {
  handler: PollModeHandler | null = null;
  framesReceived = 0;
  framesSent = 0;
  /** Frames that were to be sent on and found no room on the transmit ring. */
  framesDropped = 0;
  passes = 0;
  private readonly handle: DeviceHandle;
  private readonly bar: BarWindow;
  private readonly costs: SoftwareCosts;
  private readonly batch: number;
  private readonly control: number;
  /** Frames between two that ask for their status. */
  private readonly reportEvery: number;
  private readonly buffers: PollModeBuffers;
  private readonly rx: PollModeRing;
  private readonly tx: PollModeRing;
  /** Which transmit descriptors ask for their status, and which template lies in each buffer. */
  private readonly asks: Uint8Array;
  private readonly loaded: Int32Array;
  /** Where the card writes its head; null if it does not. */
  private readonly head: DmaRegion | null;
  private readonly next: Timer;
  private readonly watcher: number;
  private source: FrameTemplate | null = null;
  private running = false;
  private unreported = 0;
  private lastPs = 0;

  /** @throws TypeError or RangeError for an option that is wrong. */
  constructor(handle: DeviceHandle, options: PollModeOptions) {
    checkKeys<PollModeOptions>('options', options, KEYS);
    const size = checkPowerOfTwo('ringSize', options.ringSize ?? 512, 64, 4096);
    this.batch = checkInteger('batch', options.batch ?? 32, 1, 64);
    const threshold = (name: 'prefetchThreshold' | 'hostThreshold' | 'writeBackThreshold', usual: number) =>
      checkInteger(name, options[name] ?? usual, 0, 127);
    const byHead =
      checkOneOf('reports', options.reports ?? 'descriptors', ['descriptors', 'head']) === 'head';
    // With head write-back the write-back threshold is to be zero (7.2.3.5.2).
    const writeBack = byHead ? 0 : threshold('writeBackThreshold', 4);
    this.control =
      threshold('prefetchThreshold', 36) | (threshold('hostThreshold', 8) << 8) | (writeBack << 16);
    // Descriptors are written back in batches by threshold only if each of them asks for it.
    this.reportEvery = writeBack > 0 ? 1 : Math.min(this.batch, size >> 1);
    this.costs = options.costs;
    this.handle = handle;
    this.bar = handle.bar(0);
    this.buffers = new PollModeBuffers(handle, 2 * size);
    this.rx = new PollModeRing(handle, this.bar, RECEIVE_0, size, 0);
    this.tx = new PollModeRing(handle, this.bar, TRANSMIT_0, size, size);
    this.asks = new Uint8Array(size);
    this.loaded = new Int32Array(2 * size).fill(-1);
    this.head = byHead ? handle.allocateDma(16) : null;
    this.next = handle.timer('poll', () => this.pass());
    this.watcher = handle.watcher(() => this.wake());
  }

  /**
   * Resets the card, sets it up, and begins to poll.
   *
   * @throws SoftwareError if the card does not come up.
   */
  start(): void {
    this.handle.configWrite(0x04, 2, 0x0006); // Memory Space Enable, Bus Master Enable
    this.disableInterrupts(); // 4.6.3.1
    this.bar.write32(CTRL, CTRL_RESET); // 4.6.3.2
    this.handle.wait(RESET_PS);
    this.disableInterrupts(); // again: 4.6.3.1
    this.waitFor('the EEPROM', EEC, EEC_AUTO_RD); // 4.6.3
    this.waitFor('the DMA engine', RDRXCTL, RDRXCTL_DMAIDONE); // 4.6.3
    this.waitFor('the link', LINKS, LINK_UP); // 4.6.4
    for (const register of STATISTICS) this.bar.read32(register); // 4.6.5
    this.setUpReceive(); // 4.6.7
    this.setUpTransmit(); // 4.6.8
    this.running = true;
    this.next.schedule(0);
  }

  /** Polls no more. The card receives on, until its ring is full. */
  stop(): void {
    this.running = false;
    this.next.cancel();
  }

  /** Sends `template` again and again as fast as the ring takes it; null ends that. */
  saturate(template: FrameTemplate | null): void {
    this.source = template;
    if (template !== null && this.running && !this.next.pending) this.next.schedule(0);
  }

  private disableInterrupts(): void {
    for (const register of EIMC) this.bar.write32(register, 0x7fff_ffff);
  }

  private setUpReceive(): void {
    const { bar, rx } = this;
    bar.write32(RXCTRL, 0);
    bar.write32(FCTRL, FCTRL_ALL);
    bar.write32(HLREG0, bar.read32(HLREG0) | HLREG0_TXCRCEN | HLREG0_RXCRCSTRP | HLREG0_TXPADEN);
    bar.write32(RDRXCTL, bar.read32(RDRXCTL) | RDRXCTL_CRCSTRIP);
    // 4.6.7.1: the ring, its buffers, the queue; and the tail once it is enabled.
    rx.place();
    rx.write(SRRCTL, SRRCTL_ADVANCED);
    for (let i = 0; i <= rx.mask; i++) this.armReceive(i);
    rx.enable(0);
    rx.tail = rx.mask;
    rx.ring();
    bar.write32(RXCTRL, 1);
  }

  private setUpTransmit(): void {
    const { bar, tx, head } = this;
    bar.write32(DMATXCTL, bar.read32(DMATXCTL) | DMATXCTL_TE);
    // 4.6.8.1: the ring, its thresholds, the queue.
    tx.place();
    if (head !== null) {
      head.write(0, 0);
      tx.write(TDWBAH, Math.floor(head.address / 2 ** 32));
      tx.write(TDWBAL, (head.address % 2 ** 32) | HEAD_WB_EN);
    }
    tx.enable(this.control);
  }

  private waitFor(what: string, register: number, bit: number): void {
    for (let i = 0; i < POLLS; i++) {
      if ((this.bar.read32(register) & bit) !== 0) return;
      this.handle.wait(POLL_PS);
    }
    throw new SoftwareError(`${this.handle.name}: waited for ${what} in vain`);
  }

  /** The loop: what the last pass has prepared is done by now, so the card is told of it first. */
  private pass(): void {
    const { rx, tx, costs } = this;
    this.passes++;
    this.lastPs = this.handle.now;
    rx.ring();
    tx.ring();
    this.reclaim();
    const before = this.framesSent;
    const received = this.receive();
    if (this.source !== null) this.fill(this.source);
    const sent = this.framesSent - before;
    if (received + sent > 0) {
      this.next.schedule(costs.pollPs + received * costs.receivePs + sent * costs.transmitPs);
      return;
    }
    // Nothing to do until the card writes where the loop looks.
    this.handle.watchPage(this.watcher, rx.pageOf(rx.next));
    if (this.source === null || tx.outstanding === 0) return;
    this.handle.watchPage(
      this.watcher,
      this.head === null ? tx.pageOf(this.firstAsking()) : this.head.pageOf(0),
    );
  }

  /** The loop has gone on in its rhythm meanwhile, and sees it in its next pass. */
  private wake(): void {
    if (!this.running || this.next.pending) return;
    const since = this.handle.now - this.lastPs;
    const { pollPs } = this.costs;
    this.next.schedule(Math.ceil(since / pollPs) * pollPs - since);
  }

  /** Takes what has been received, in the order of the ring, up to the first descriptor that is not done (7.1.6). */
  private receive(): number {
    const { rx, buffers } = this;
    let count = 0;
    while (count < this.batch && (rx.read(rx.next, 2) & DONE) !== 0) {
      const index = rx.next;
      const buffer = rx.buffers[index];
      const bytes = rx.read(index, 3) & 0xffff;
      this.loaded[buffer] = -1;
      const goesOn = this.handler?.received(buffers.words(buffer), buffers.at(buffer), bytes) === true;
      if (goesOn) this.sendOn(index, bytes);
      this.armReceive(index);
      rx.next = (index + 1) & rx.mask;
      rx.tail = index;
      count++;
    }
    this.framesReceived += count;
    return count;
  }

  /** The frame in a receive buffer is sent; the buffer of the transmit descriptor receives in its place. */
  private sendOn(index: number, bytes: number): void {
    const { rx, tx } = this;
    if (tx.room === 0) {
      this.framesDropped++;
      return;
    }
    const buffer = rx.buffers[index];
    rx.buffers[index] = tx.buffers[tx.tail];
    tx.buffers[tx.tail] = buffer;
    this.post(bytes);
  }

  private fill(template: FrameTemplate): void {
    const { tx, buffers, loaded } = this;
    for (let left = Math.min(this.batch, tx.room); left > 0; left--) {
      const buffer = tx.buffers[tx.tail];
      if (loaded[buffer] !== template.id) {
        buffers.words(buffer).set(template.words, buffers.at(buffer));
        loaded[buffer] = template.id;
      }
      this.post(template.bytes);
    }
  }

  /** Makes a descriptor for the buffer at the tail. */
  private post(bytes: number): void {
    const { tx } = this;
    const index = tx.tail;
    const reports = ++this.unreported >= this.reportEvery;
    if (reports) this.unreported = 0;
    this.asks[index] = reports ? 1 : 0;
    const command = bytes | COMMAND | (reports ? REPORT_STATUS : 0);
    tx.fill(index, this.buffers.address(tx.buffers[index]), command, bytes << 14);
    tx.tail = (index + 1) & tx.mask;
    this.framesSent++;
  }

  private armReceive(index: number): void {
    this.rx.fill(index, this.buffers.address(this.rx.buffers[index]), 0, 0);
  }

  /** Takes back what the card says that it has sent: up to its head, or to the last descriptor that is done. */
  private reclaim(): void {
    const { tx, head } = this;
    if (head !== null) {
      tx.next = head.read(0);
      return;
    }
    for (;;) {
      const index = this.firstAsking();
      if (index === tx.tail || (tx.read(index, 3) & DONE) === 0) return;
      tx.next = (index + 1) & tx.mask;
    }
  }

  /** The first outstanding transmit descriptor that asks for its status; the tail if none does. */
  private firstAsking(): number {
    const { tx } = this;
    let index = tx.next;
    while (index !== tx.tail && this.asks[index] === 0) index = (index + 1) & tx.mask;
    return index;
  }
}
