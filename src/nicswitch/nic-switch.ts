import { checkInteger, checkOneOf } from '../base/index.ts';
import type { Component } from '../kernel/index.ts';
import { createDirectPath, type DirectPath, type DirectPathParts } from './direct-path.ts';
import { createDirectSteps } from './direct-steps.ts';
import { DROP, DROP_REASONS, type DropReason } from './drop-reason.ts';
import { createExtenderPath } from './extender-path.ts';
import { ExtenderSelection } from './extender-selection.ts';
import { classOf } from './frame-addresses.ts';
import type { FrameSelection } from './frame-selection.ts';
import { createGroupPath, type GroupPath } from './group-path.ts';
import type { Balance, ExactPortCounters, PortBalance, PortCounters } from './port-counters.ts';
import { PortQueues } from './port-queues.ts';
import { OUTPUT_QUEUE, RECORD_SHIFT } from './port-record.ts';
import { ReceiverLists } from './receiver-lists.ts';
import { ReceiverSelection } from './receiver-selection.ts';
import type { SwitchCompanion } from './switch-companion.ts';
import { SwitchCounters } from './switch-counters.ts';
import type { NicSwitchOptions } from './switch-options.ts';
import { SwitchPolicy } from './switch-policy.ts';
import { entrySlot, targetPort } from './target.ts';
import type { VirtualTagKind } from './virtual-access.ts';

/** Most frames that are taken from a port in one go; the running counters rely on it. */
const MAX_BURST = 4096;

/** Headers that are fetched before they are looked at: enough to overlap, few enough to stay in the cache. */
const FETCHED_AT_ONCE = 64;

/** All need the long way. */
const NO_GROUPS: GroupPath = { replicate: () => false, gather: () => 0 };

/** How a switch of one kind decides frames: those to one receiver, those to several, and any. */
interface Ways {
  readonly direct: DirectPath;
  readonly groups: GroupPath;
  readonly selection: FrameSelection;
}

/**
 * The card's embedded switch: frames in, ports out, as the 82599 selects pools (data sheet, section 7.10.3).
 *
 * VPorts are numbered from 0, {@link NicSwitch.uplink} is the physical port. The switch passes slots of a
 * `FramePool` and touches no byte. A frame's VLAN is that of its tag beside the frame, else of the 802.1Q tag
 * in its bytes.
 *
 * Under a scheduler, {@link NicSwitch.route} decides one frame at a time. For work without time, frames are
 * put into {@link NicSwitch.input} and {@link NicSwitch.forward} takes them to {@link NicSwitch.output}. Both
 * run the same code: frames to one receiver are decided by tables (direct-path.ts), those to groups have lists
 * of their receivers (group-path.ts), by the same steps (direct-steps.ts); all others are decided rule by rule
 * (receiver-selection.ts).
 *
 * @example
 * const frames = new FramePool({ slots: 1024 });
 * const nicSwitch = new NicSwitch({ frames, vports: 2 });
 * for (const vport of [0, 1]) {
 *   nicSwitch.setVPortEnabled(vport, true, true);
 *   nicSwitch.addMac(vport, `02:00:00:00:00:0${vport}`);
 * }
 * const slot = frames.take();
 * frames.u8.set(frame, frames.offsetOf(slot)); // to 02:00:00:00:00:01
 * frames.lengths[slot] = frame.length;
 * const count = nicSwitch.route(slot, 0); // 1
 * targetPort(nicSwitch.targets[0]); // 1
 */
export class NicSwitch extends SwitchPolicy implements Component {
  /**
   * Receivers of the frame that {@link NicSwitch.route} decided last: read with {@link targetPort} and
   * {@link tagOperation}.
   */
  declare readonly targets: Int32Array;
  /** Why a frame that {@link NicSwitch.route} returned 0 for had none: index into {@link DROP_REASONS}. Of use right after that. */
  lastDrop = 0;

  /** Slots of frames that wait to be switched, a queue for each port. Each entry holds one reference. */
  declare readonly input: PortQueues;
  /**
   * What has been switched, a queue for each port: entries to be read with {@link entrySlot} and
   * {@link tagOperation}. Each holds one reference.
   */
  declare readonly output: PortQueues;

  /** Those of the switch as it is now: see setPortExtender. */
  private direct: DirectPath;
  private selection: FrameSelection;
  private groups: GroupPath;
  private readonly parts: DirectPathParts;
  private readonly bridge: Ways;
  private extender: Ways | null = null;
  private readonly portCounts: SwitchCounters;
  private readonly companions: SwitchCompanion[] = [];
  /** The port that {@link NicSwitch.forward} begins with. */
  private first = 0;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: NicSwitchOptions) {
    super(options);
    const ports = this.vports + 1;
    const { records } = this.tables;
    const entries = options.queueEntries ?? 256;
    this.input = new PortQueues(ports, entries);
    this.output = new PortQueues(ports, entries, {
      words: records,
      shift: RECORD_SHIFT,
      offset: OUTPUT_QUEUE,
    });
    this.selection = new ReceiverSelection(this.frames, this.tables);
    this.targets = this.selection.targets;
    const lists = new ReceiverLists(this.tables);
    this.portCounts = new SwitchCounters(records, this.output, lists);
    this.parts = {
      frames: this.frames,
      tables: this.tables,
      steps: createDirectSteps(this.tables),
      input: this.input,
      output: this.output,
      targets: this.targets,
      lists,
      counters: this.portCounts,
    };
    this.direct = createDirectPath(this.parts);
    this.groups = createGroupPath(this.parts);
    this.bridge = { direct: this.direct, selection: this.selection, groups: this.groups };
  }

  override setPortExtender(tag: VirtualTagKind | null): void {
    super.setPortExtender(tag);
    this.chooseWays();
  }

  /** All ways are the bridge's or the extender's: a frame is not asked which. */
  private chooseWays(): void {
    const { parts } = this;
    const isExtender = this.tables.tags.virtual.kind !== null;
    if (isExtender)
      this.extender ??= {
        direct: createExtenderPath(parts, this.bridge.direct),
        selection: new ExtenderSelection(parts.frames, parts.tables, parts.targets),
        groups: NO_GROUPS,
      };
    const { direct, selection, groups } = isExtender && this.extender !== null ? this.extender : this.bridge;
    this.direct = direct;
    this.selection = selection;
    this.groups = groups;
  }

  /**
   * Decides one frame. Of the caller's one reference each target then holds its own; without targets the
   * frame is released.
   *
   * @param ingress the port it came in at: a VPort or {@link NicSwitch.uplink}.
   * @returns number of {@link NicSwitch.targets}. 0 if the frame was dropped: {@link NicSwitch.lastDrop}
   * tells why. A frame of which only mirrored copies are left is counted as dropped as well.
   * @throws RangeError for a port that there is not; the two halves do not look.
   */
  route(slot: number, ingress: number): number {
    if (ingress >>> 0 > this.vports) checkInteger('ingress', ingress, 0, this.vports);
    const target = this.routeDirect(slot, ingress);
    if (target < 0) return this.routeAny(slot, ingress);
    this.targets[0] = target;
    return 1;
  }

  /**
   * The first half of {@link NicSwitch.route}: returns the target of a frame that the tables decide, without
   * writing it into {@link NicSwitch.targets}; else -1, and {@link NicSwitch.routeAny} decides it.
   */
  routeDirect(slot: number, ingress: number): number {
    return this.direct.decideOne(slot, ingress);
  }

  /**
   * Whether {@link NicSwitch.routeDirect} would say now that a frame goes to the wire. Only what a header tells
   * is looked at, and nothing is counted. False where the tables do not decide it, and for a port extender.
   */
  goesToWire(slot: number, ingress: number): boolean {
    return targetPort(this.direct.foresee(slot, ingress)) === this.uplink;
  }

  /** The second half of {@link NicSwitch.route}, for any frame. Returns what that does. */
  routeAny(slot: number, ingress: number): number {
    const copies = this.groups.gather(slot, ingress);
    if (copies > 0) return copies;
    const count = this.select(slot, ingress);
    const bytes = this.frames.lengths[slot];
    for (let i = 0; i < count; i++) {
      this.portCounts.countOut(targetPort(this.targets[i]), bytes, this.selection.frameClass);
    }
    return count;
  }

  /**
   * Takes frames from the input queues to the output queues: up to `burst` from each port, beginning with
   * another port each time. A frame or replica whose output queue is full is dropped.
   *
   * @returns frames taken.
   */
  forward(burst: number = MAX_BURST): number {
    checkInteger('burst', burst, 1, MAX_BURST);
    const ports = this.vports + 1;
    let taken = 0;
    let port = this.first;
    for (let i = 0; i < ports; i++) {
      taken += this.forwardFrom(port, burst);
      port = port + 1 === ports ? 0 : port + 1;
    }
    this.first = this.first + 1 === ports ? 0 : this.first + 1;
    return taken;
  }

  private forwardFrom(ingress: number, burst: number): number {
    const { input } = this;
    const { items } = input;
    const taken = Math.min(input.length(ingress), burst);
    if (taken === 0) return 0;
    let at = input.indexOfOldest(ingress);
    const end = at + taken;
    while (at < end) {
      const fetched = Math.min(end, at + FETCHED_AT_ONCE);
      this.direct.fetch(at, fetched - at);
      while (at < fetched) {
        at += this.direct.decide(ingress, at, fetched - at);
        if (at < fetched) this.forwardOne(items[at++], ingress);
      }
    }
    input.drop(ingress, taken);
    return taken;
  }

  /** One that the tables do not decide. */
  private forwardOne(slot: number, ingress: number): void {
    if (!this.groups.replicate(slot, ingress)) this.forwardAny(slot, ingress);
  }

  /** The long way to the output queues. */
  private forwardAny(slot: number, ingress: number): void {
    const count = this.select(slot, ingress);
    if (count > 0) this.direct.enqueue(slot, count, this.selection.frameClass);
  }

  /** Decides any frame, counts it in, and sees to its references. */
  private select(slot: number, ingress: number): number {
    const { frames } = this;
    const count = this.selection.decide(slot, ingress);
    // Lengths are the caller's word; no frame is longer than its slot.
    const bytes = Math.min(Math.max(frames.lengths[slot], 0), frames.slotBytes);
    this.portCounts.countIn(ingress, bytes, this.selection.frameClass);
    const { mirrored } = this.selection;
    if (count === mirrored) {
      this.lastDrop = this.selection.reason;
      this.portCounts.countDrop(ingress, this.lastDrop);
    }
    if (mirrored > 0) this.countMirrored(slot, count - mirrored, count);
    this.portCounts.countForwarded(ingress, count, count === mirrored ? count : count - 1);
    if (count === 0) frames.release(slot);
    else if (count > 1) frames.retain(slot, count - 1);
    return count;
  }

  private countMirrored(slot: number, from: number, to: number): void {
    const { onCopy } = this.tables.mirrors;
    for (let i = from; i < to; i++) {
      const port = targetPort(this.targets[i]);
      this.portCounts.countMirrored(port);
      onCopy?.(slot, port);
    }
  }

  /** What `port` has seen. */
  portCounters(port: number): PortCounters {
    return this.portCounts.of(checkInteger('port', port, 0, this.uplink));
  }

  /** Frames and replicas dropped for `reason`, at all ports together. */
  dropped(reason: DropReason): number {
    return Number(this.portCounts.droppedInAll(checkOneOf('reason', reason, DROP_REASONS)));
  }

  /** Totals of the whole switch: `framesIn + replicas = delivered + dropped`. */
  balance(): Balance {
    return this.portCounts.balance();
  }

  /** Both sides of one port: a VPort or {@link NicSwitch.uplink}. */
  portBalance(port: number): PortBalance {
    return this.portCounts.portBalance(checkInteger('port', port, 0, this.uplink));
  }

  /** Throws AssertionError unless the counters balance. */
  checkBalance(): void {
    this.portCounts.check();
  }

  counters(): Record<string, number> {
    const exact = Object.entries(this.countersExact());
    return Object.fromEntries(exact.map(([name, count]) => [name, Number(count)]));
  }

  /** {@link NicSwitch.counters}, exact to 64 bits: they wrap at 2^64, as those of hardware do, and balance modulo it. */
  countersExact(): Record<string, bigint> {
    const { portCounts } = this;
    const counters: Record<string, bigint> = { ...portCounts.exactBalance(), mirrored: portCounts.mirrored };
    for (const reason of DROP_REASONS) counters[`dropped.${reason}`] = portCounts.droppedInAll(reason);
    return counters;
  }

  /** {@link NicSwitch.portCounters}, exact to 64 bits. */
  portCountersExact(port: number): ExactPortCounters {
    return this.portCounts.exactOf(checkInteger('port', port, 0, this.uplink));
  }

  /**
   * Counts on from what {@link NicSwitch.portCountersExact} told of each port, the uplink last; what ports had
   * counted before they were retired is not in it.
   *
   * @throws RangeError if it is not of as many ports, or does not balance; all counters are zero then.
   */
  restoreCounters(ports: readonly ExactPortCounters[]): void {
    if (ports.length !== this.vports + 1) {
      throw new RangeError(`ports must be ${this.vports + 1} with the uplink, got ${ports.length}`);
    }
    this.portCounts.restore(ports);
    const { framesIn, replicas, delivered, dropped } = this.portCounts.exactBalance();
    if (BigInt.asUintN(64, framesIn + replicas - delivered - dropped) === 0n) return;
    this.portCounts.clear();
    throw new RangeError('ports must be counters that balance, all together');
  }

  /** Both sides of all ports that were retired, until they were. */
  retiredBalance(): PortBalance {
    return this.portCounts.retiredBalance();
  }

  /**
   * Has something beside the switch told when a VPort is flushed or retired, and when the switch is reset, from now on:
   * a switch has one {@link EgressStage}, one {@link SharedSwitch}.
   *
   * @throws TypeError if it is no object.
   */
  attach(companion: SwitchCompanion): void {
    if (typeof companion !== 'object' || companion === null) {
      throw new TypeError(`companion must be an object, got ${companion}`);
    }
    this.companions.push(companion);
  }

  /**
   * For a {@link SwitchCompanion}: the frame of an entry that was in the output queue of `port` reaches nobody. It
   * is released, and counted as dropped there instead of delivered: `vportDeleted`.
   *
   * @param isRetired whether that was before the port was retired.
   */
  loseDelivered(port: number, entry: number, isRetired = false): void {
    const { frames, portCounts } = this;
    const slot = entrySlot(entry);
    if (isRetired) portCounts.countRetiredLost(DROP.vportDeleted);
    else portCounts.countLost(port, frames.lengths[slot], classOf(frames, slot), DROP.vportDeleted);
    frames.release(slot);
  }

  /**
   * Takes `vport` out of use: its filters and settings are as after construction, but it is not active, and
   * mirroring rules copy nothing to it, nor what a later one there sends or receives. Its queues are emptied as by {@link NicSwitch.flushVPort}, and its counters
   * begin at zero; the balance of the switch keeps what they had counted.
   */
  retireVPort(vport: number): void {
    this.resetVPort(vport);
    if (this.tables.mirrors.forget(vport)) this.records.compileAll();
    this.flushVPort(vport);
    for (const each of this.companions) each.retired?.(vport);
    this.portCounts.retire(vport);
  }

  /**
   * Deactivates `vport` and empties its queues: frames that waited at its input are dropped as those of an
   * inactive VPort, those at its output as lost there. So are those that wait in an {@link EgressStage}, also its
   * own to the wire, and in the rings of a {@link SharedSwitch}.
   */
  flushVPort(vport: number): void {
    this.setVPortActive(vport, false);
    const { input, output } = this;
    for (let slot = input.shift(vport); slot >= 0; slot = input.shift(vport)) this.forwardAny(slot, vport);
    for (let entry = output.shift(vport); entry >= 0; entry = output.shift(vport)) {
      this.loseDelivered(vport, entry);
    }
    for (const each of this.companions) each.flushed?.(vport);
  }

  /**
   * Everything as after construction; frames in the queues are released, and in what is attached. A
   * {@link VPortTable} begins anew: its VPorts are deleted, but for a new default one.
   */
  reset(): void {
    for (const each of this.companions) each.resetting?.();
    for (const queues of [this.input, this.output]) {
      for (let port = 0; port <= this.uplink; port++) {
        for (let entry = queues.shift(port); entry >= 0; entry = queues.shift(port)) {
          this.frames.release(entrySlot(entry));
        }
      }
    }
    this.resetConfiguration();
    this.chooseWays();
    this.portCounts.clear();
    this.first = 0;
    this.lastDrop = 0;
    for (const each of this.companions) each.wasReset?.();
  }
}
