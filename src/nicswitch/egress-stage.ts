import { checkInteger, checkNumber, type FramePool } from '../base/index.ts';
import { type Component, EgressScheduler, NO_QUEUE, Serializer } from '../kernel/index.ts';
import { INTER_FRAME_GAP_BYTES, PREAMBLE_BYTES, taggedBytes } from '../wire/index.ts';
import { checkEgressOptions, type EgressStageOptions } from './egress-options.ts';
import { EgressQueues } from './egress-queues.ts';
import { taggedPriority } from './frame-priority.ts';
import { NicSwitch } from './nic-switch.ts';
import { countedBytes, type RateProfile, weightOf, weightsOf } from './rate-profile.ts';
import type { SwitchCompanion } from './switch-companion.ts';
import { entrySlot, tagOperation } from './target.ts';

/** A round gives the VPorts this on average, a frame: 64 VPorts have one each 78 us at 10 Gb/s. */
const MEAN_QUANTUM = 1_518;
/** Bytes a round for a percentage of the wire: a round is 51,200 bytes. */
const QUANTUM_OF_PERCENT = 512;
/** Frames that are taken out of a ring at once. */
const BURST = 64;

/**
 * What leaves a {@link NicSwitch} and when: takes the frames out of its output rings and sends them, those to
 * the wire at the rate of the physical port, under a clock that the caller has.
 *
 * Frames to the wire wait by class and by the VPort that sent them; VPorts can be limited and can be
 * guaranteed a minimum, and {@link EgressStage.wire} has all that an {@link EgressScheduler} can do besides.
 * Frames to VPorts wait by class and receiver, and can be limited by receiver ({@link EgressStage.local}).
 *
 * When a VPort is flushed or retired (deleted), its frames are dropped here as well, and nothing of it is left for
 * the next one at its place: no limit, no minimum, no count. What is set at {@link EgressStage.wire} itself stays. A switch has one stage.
 *
 * @example
 * const stage = new EgressStage(nicSwitch, { linkGbps: 10 });
 * stage.setMaxRate(0, 1_000, 0); // VPort 0 sends at most 1 Gb/s to the wire
 * stage.submit(0, slot); // instead of nicSwitch.input.push
 * nicSwitch.forward();
 * stage.collect();
 * for (let port = stage.next(nowPs); port >= 0; port = stage.next(nowPs)) {
 *   frames.release(entrySlot(stage.entry)); // it leaves at `port`
 * }
 * nowPs = stage.readyPs; // nothing can leave before
 */
export class EgressStage implements Component, SwitchCompanion {
  readonly name: string;
  /** Who sends to the wire. Queue: class x (VPorts + 1) + source. */
  readonly wire: EgressScheduler;
  /** Who is delivered to. Queue: class x VPorts + receiver. */
  readonly local: EgressScheduler;
  /** Of the frame that {@link EgressStage.next} has let go: as in an output ring, to be read with `entrySlot`. */
  entry = -1;
  /** When {@link EgressStage.next} has let none go: nothing leaves before this, unless more comes in. */
  readyPs = Number.POSITIVE_INFINITY;
  framesIn = 0;
  /** Frames for which there was no room in their queue; they have been released. */
  framesDropped = 0;
  /** Bytes to the wire (layer 2, with frame check sequence) and frames, by sender; to VPorts by receiver. */
  readonly bytesToWire: Float64Array;
  readonly framesToWire: Float64Array;
  readonly bytesToVPort: Float64Array;
  readonly framesToVPort: Float64Array;

  private readonly nicSwitch: NicSwitch;
  private readonly frames: FramePool;
  private readonly rates: RateProfile;
  private readonly linkMbps: number;
  private readonly classes: number;
  private readonly classOfPriority: readonly number[];
  private readonly line: Serializer;
  private readonly wireQueues: EgressQueues;
  private readonly localQueues: EgressQueues;
  /** Port through which the frame in each slot came in. */
  private readonly sources: Int32Array;
  private readonly minima: number[];
  /** Limits to the wire; Infinity for none. */
  private readonly maxima: number[];
  private readonly burst = new Int32Array(BURST);
  /** What {@link EgressStage.perPort} had counted for VPorts that were retired. */
  private readonly retiredCounts: number[] = [0, 0, 0, 0];

  /** @throws TypeError or RangeError that names the option. */
  constructor(nicSwitch: NicSwitch, options: EgressStageOptions) {
    if (!(nicSwitch instanceof NicSwitch))
      throw new TypeError(`nicSwitch must be a NicSwitch, got ${String(nicSwitch)}`);
    const { name, linkMbps, classes, classOfPriority, queueFrames, rates } = checkEgressOptions(options);
    const { vports } = nicSwitch;
    this.name = name;
    this.nicSwitch = nicSwitch;
    this.frames = nicSwitch.frames;
    this.linkMbps = linkMbps;
    this.classes = classes;
    this.classOfPriority = classOfPriority;
    this.rates = rates;
    this.line = new Serializer(8_000_000, this.linkMbps);
    this.wire = new EgressScheduler({ queues: classes * (vports + 1), vports: vports + 1, classes });
    this.local = new EgressScheduler({ queues: classes * vports, vports, classes });
    for (let each = 0; each < classes; each++) {
      for (let port = 0; port <= vports; port++) this.wire.place(each * (vports + 1) + port, each, port);
      for (let port = 0; port < vports; port++) this.local.place(each * vports + port, each, port);
    }
    this.wireQueues = new EgressQueues(classes * (vports + 1), queueFrames);
    this.localQueues = new EgressQueues(classes * vports, queueFrames);
    this.sources = new Int32Array(this.frames.slots).fill(nicSwitch.uplink);
    this.minima = Array.from({ length: vports }, () => 0);
    this.maxima = Array.from({ length: vports }, () => Number.POSITIVE_INFINITY);
    this.bytesToWire = new Float64Array(vports + 1);
    this.framesToWire = new Float64Array(vports + 1);
    this.bytesToVPort = new Float64Array(vports);
    this.framesToVPort = new Float64Array(vports);
    nicSwitch.attach(this);
  }

  /** Frames that wait. */
  get waiting(): number {
    return this.wireQueues.entries + this.localQueues.entries;
  }

  /**
   * Puts a frame into the input ring of `port`, a VPort or the uplink, and notes whose it is; false, and nothing done,
   * when the ring is full. All frames come in this way: one that is pushed past it is taken for one of whoever
   * submitted its slot last.
   *
   * @throws RangeError for a port that there is not.
   */
  submit(port: number, slot: number): boolean {
    if (!this.nicSwitch.input.push(port, slot)) return false;
    this.sources[slot] = port;
    return true;
  }

  /**
   * Limits what `vport` sends to the wire; null takes the limit away. What it sends to other VPorts is not held
   * back by it, and does not use it up: see {@link EgressStage.setReceiveRate}.
   *
   * @throws RangeError with the reason why the card cannot do that, or if `vport` is guaranteed more.
   */
  setMaxRate(vport: number, mbps: number | null, nowPs: number): void {
    checkTime(nowPs);
    const least = this.minima[this.vport(vport)];
    const byteTime = this.byteTime(mbps);
    if (mbps !== null && mbps < least) {
      throw new RangeError(`mbps must be at least ${least}: that is guaranteed to VPort ${vport}`);
    }
    this.wire.setVPortRate(vport, byteTime, this.rates.windowBytes, nowPs);
    this.maxima[vport] = mbps ?? Number.POSITIVE_INFINITY;
  }

  /** Limits what is delivered to `vport` by all others and from the wire, likewise. */
  setReceiveRate(vport: number, mbps: number | null, nowPs: number): void {
    checkTime(nowPs);
    this.local.setVPortRate(this.vport(vport), this.byteTime(mbps), this.rates.windowBytes, nowPs);
  }

  /**
   * Guarantees `vport` a minimum of the wire within its class, 0 for none. What nobody is guaranteed or uses
   * is shared.
   *
   * @throws RangeError with the reason why the card cannot do that, or if `vport` may not send as much.
   */
  setMinRate(vport: number, mbps: number): void {
    const { minima, linkMbps } = this;
    const refused = this.rates.refuseMin(mbps, linkMbps);
    if (refused !== null) throw new RangeError(`mbps: ${refused}`);
    const most = this.maxima[this.vport(vport)];
    if (mbps > most)
      throw new RangeError(`mbps must be at most ${most}: that is the limit of VPort ${vport}`);
    const others = minima.reduce((sum, each) => sum + each, 0) - minima[vport];
    if (others + mbps > linkMbps) {
      throw new RangeError(`mbps must be at most ${linkMbps - others}: the others have the rest of the link`);
    }
    minima[vport] = mbps;
    const guaranteed = minima.some((each) => each > 0);
    this.wire.setWeighted(guaranteed);
    if (!guaranteed) return;
    const weights = weightsOf(minima, linkMbps, MEAN_QUANTUM);
    for (const [each, weight] of weights.entries()) this.wire.setVPortWeight(each, weight);
    // Frames that nobody has submitted are guaranteed nothing.
    const rest = linkMbps - others - mbps;
    this.wire.setVPortWeight(minima.length, weightOf(rest, linkMbps, MEAN_QUANTUM));
  }

  /**
   * Lets a class of the wire share with the other weighted ones what strict ones leave, in proportion to
   * `quantumBytes`; a class with 0 never sends. All are strict, at first.
   *
   * @param maxCreditBytes what it can keep of what it did not use. Default: two quanta.
   * @throws RangeError if there is no such class.
   */
  setClassWeight(trafficClass: number, quantumBytes: number, maxCreditBytes?: number): void {
    this.wire.setClassWeight(trafficClass, quantumBytes, maxCreditBytes);
  }

  /** Lets a class of the wire go before all weighted ones, and before strict ones of lower number. */
  setClassStrict(trafficClass: number): void {
    this.wire.setStrict(trafficClass);
  }

  /**
   * Shares the wire between classes as Enhanced Transmission Selection does (IEEE 802.1Q, clause 37): a percentage
   * for each class, null for one with strict priority. Percentages are of what strict classes leave.
   *
   * @throws TypeError or RangeError unless there is one for each class, and they add up to 100.
   * @example
   * stage.setBandwidths([20, 30, 50, null]); // class 3 goes first
   */
  setBandwidths(percentages: readonly (number | null)[]): void {
    const weighted = checkBandwidths(percentages, this.classes);
    for (const [each, percentage] of weighted.entries()) {
      if (percentage === null) this.wire.setStrict(each);
      else this.wire.setClassWeight(each, percentage * QUANTUM_OF_PERCENT);
    }
  }

  /** Limits a class of the wire, over all VPorts; null takes the limit away. @throws RangeError as above. */
  setClassRate(trafficClass: number, mbps: number | null, nowPs: number): void {
    const { rates } = this;
    this.wire.setClassRate(trafficClass, this.byteTime(mbps), rates.windowBytes, nowPs);
  }

  /** Empties the switch's output rings into the queues; a frame whose queue is full is dropped and counted. */
  collect(): void {
    for (let port = 0; port <= this.nicSwitch.uplink; port++) this.collectFrom(port);
  }

  private collectFrom(port: number): void {
    const { output } = this.nicSwitch;
    const { burst } = this;
    while (output.length(port) > 0) {
      const taken = output.shiftBurst(port, burst);
      this.framesIn += taken;
      for (let i = 0; i < taken; i++) this.queueUp(port, burst[i]);
    }
  }

  /**
   * Lets the next frame go that may start at `nowPs`, and returns its port (a VPort or the switch's uplink), or
   * -1 when there is none. The frame's reference is then the caller's.
   */
  next(nowPs: number): number {
    const receiver = this.local.next(nowPs);
    if (receiver !== NO_QUEUE) return this.deliver(receiver);
    const free = this.line.freeAt;
    if (free <= nowPs) {
      const sender = this.wire.next(nowPs);
      if (sender !== NO_QUEUE) return this.send(sender, nowPs);
    }
    this.readyPs = this.local.readyPs;
    if (this.wire.backlogged > 0) {
      this.readyPs = Math.min(this.readyPs, free > nowPs ? free : this.wire.readyPs);
    }
    return -1;
  }

  counters(): Record<string, number> {
    const { framesIn, framesDropped, waiting } = this;
    const [framesToWire, bytesToWire, framesToVPorts, bytesToVPorts] = this.perPort.map((counts, i) =>
      counts.reduce((total, each) => total + each, this.retiredCounts[i]),
    );
    return { framesIn, framesDropped, waiting, framesToWire, bytesToWire, framesToVPorts, bytesToVPorts };
  }

  private get perPort(): readonly Float64Array[] {
    return [this.framesToWire, this.bytesToWire, this.framesToVPort, this.bytesToVPort];
  }

  /**
   * @internal Frames for `vport`, and those that it has sent and that wait for the wire, go back to the switch,
   * which drops them: `framesIn` is without them.
   */
  flushed(vport: number): void {
    const { vports, uplink } = this.nicSwitch;
    // Whose a frame is that waits in an output ring is known here only.
    this.collectFrom(uplink);
    for (let each = 0; each < this.classes; each++) {
      this.giveBack(this.localQueues, this.local, each * vports + vport, vport);
      this.giveBack(this.wireQueues, this.wire, each * (vports + 1) + vport, uplink);
    }
  }

  private giveBack(queues: EgressQueues, scheduler: EgressScheduler, queue: number, port: number): void {
    while (queues.length(queue) > 0) {
      this.framesIn--;
      this.nicSwitch.loseDelivered(port, queues.shift(queue));
    }
    scheduler.withdraw(queue);
  }

  /** @internal The next VPort at this place begins without limits, without a minimum, and counts from zero. */
  retired(vport: number): void {
    this.wire.setVPortRate(vport, null, 0, 0);
    this.local.setVPortRate(vport, null, 0, 0);
    this.maxima[vport] = Number.POSITIVE_INFINITY;
    if (this.minima[vport] > 0) this.setMinRate(vport, 0);
    for (const [i, counts] of this.perPort.entries()) {
      this.retiredCounts[i] += counts[vport];
      counts[vport] = 0;
    }
  }

  /** @internal As {@link EgressStage.reset}; limits and minima of VPorts go with their other settings. */
  resetting(): void {
    for (let vport = 0; vport < this.nicSwitch.vports; vport++) this.retired(vport);
    this.reset();
  }

  /** Frames that wait are released, counters are zero; limits, minima and classes stay. */
  reset(): void {
    for (const [queues, scheduler] of [
      [this.wireQueues, this.wire],
      [this.localQueues, this.local],
    ] as const) {
      for (let queue = 0; queue < queues.queues; queue++) {
        while (queues.length(queue) > 0) this.frames.release(entrySlot(queues.shift(queue)));
        scheduler.withdraw(queue);
      }
    }
    this.line.reset();
    this.framesIn = this.framesDropped = 0;
    for (const counts of this.perPort) counts.fill(0);
    this.retiredCounts.fill(0);
  }

  private queueUp(port: number, entry: number): void {
    const { vports, uplink } = this.nicSwitch;
    const trafficClass = this.classOfPriority[this.priorityOf(entry)];
    const toWire = port === uplink;
    const queue = toWire
      ? trafficClass * (vports + 1) + this.sources[entrySlot(entry)]
      : trafficClass * vports + port;
    if ((toWire ? this.wireQueues : this.localQueues).push(queue, entry)) {
      (toWire ? this.wire : this.local).enqueue(queue);
      return;
    }
    this.framesDropped++;
    this.frames.release(entrySlot(entry));
  }

  private deliver(queue: number): number {
    const { vports } = this.nicSwitch;
    const vport = queue % vports;
    this.entry = this.localQueues.shift(queue);
    const bytes = this.lengthOf(this.entry);
    this.local.sent(queue, bytes, this.localQueues.length(queue) > 0);
    this.framesToVPort[vport]++;
    this.bytesToVPort[vport] += bytes;
    return vport;
  }

  private send(queue: number, nowPs: number): number {
    const { vports, uplink } = this.nicSwitch;
    const source = queue % (vports + 1);
    this.entry = this.wireQueues.shift(queue);
    const bytes = this.lengthOf(this.entry);
    this.wire.sent(queue, bytes, this.wireQueues.length(queue) > 0);
    this.line.reserve(nowPs, PREAMBLE_BYTES + bytes + INTER_FRAME_GAP_BYTES);
    this.framesToWire[source]++;
    this.bytesToWire[source] += bytes;
    return uplink;
  }

  private lengthOf(entry: number): number {
    return countedBytes(taggedBytes(this.frames, entrySlot(entry), tagOperation(entry)));
  }

  /**
   * Priority of the frame's outermost VLAN tag, wherever that is; without one that of the port where it came in
   * (IEEE 802.1Q, 6.9.4).
   */
  private priorityOf(entry: number): number {
    const slot = entrySlot(entry);
    const { tags } = this.nicSwitch.tables;
    const own = taggedPriority(this.frames, tags, slot, tagOperation(entry));
    return own < 0 ? tags.priorities.untagged[this.sources[slot]] : own;
  }

  private byteTime(mbps: number | null) {
    if (mbps === null) return null;
    const refused = this.rates.refuseMax(mbps, this.linkMbps);
    if (refused !== null) throw new RangeError(`mbps: ${refused}`);
    return this.rates.byteTime(mbps, this.linkMbps);
  }

  private vport(vport: number): number {
    return checkInteger('vport', vport, 0, this.nicSwitch.vports - 1);
  }
}

function checkTime(nowPs: number): void {
  checkNumber('nowPs', nowPs, 0, Number.MAX_SAFE_INTEGER);
}

function checkBandwidths(given: readonly (number | null)[], classes: number): readonly (number | null)[] {
  if (!Array.isArray(given)) throw new TypeError(`percentages must be a list of ${classes}`);
  checkInteger('percentages.length', given.length, classes, classes);
  let sum = 0;
  for (const [each, percentage] of given.entries()) {
    if (percentage !== null) sum += checkInteger(`percentages[${each}]`, percentage, 0, 100);
  }
  const strict = given.every((percentage) => percentage === null);
  if (sum !== (strict ? 0 : 100)) throw new RangeError(`percentages must add up to 100, got ${sum}`);
  return given;
}
