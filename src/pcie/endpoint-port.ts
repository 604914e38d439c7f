import type { Component, Scheduler } from '../kernel/index.ts';
import type { ConfigType } from './config-access.ts';
import type { PcieLink } from './link.ts';
import type { Requester } from './requester.ts';
import { CompletionStatus, DATA_LINK_OVERHEAD_BYTES, FlowClass, HEADER_3DW_BYTES, TlpKind } from './tlp.ts';
import type { Tlp, TlpPool } from './tlp-pool.ts';
import type { TlpReceiver } from './tlp-receiver.ts';

/** Answer of a {@link CompleterTarget} that has nothing there: values are never negative. */
export const NOT_CLAIMED = -1;

/** The functions of a device as the completer half of its port sees them. */
export interface CompleterTarget {
  /** Register contents at a memory address, unsigned; {@link NOT_CLAIMED} where no BAR claims it. */
  memoryRead(address: number, bytes: number): number;
  /** False where no BAR claims the address. */
  memoryWrite(address: number, value: number, byteEnables: number): boolean;
  /** Unsigned; {@link NOT_CLAIMED} where the function does not exist. */
  configRead(routingId: number, offset: number, bytes: number, type: ConfigType): number;
  /** Whether the function exists and is not ready. Left out: all are. */
  configRetry?(routingId: number, type: ConfigType): boolean;
  /** False where the function does not exist. */
  configWrite(routingId: number, offset: number, bytes: number, value: number, type: ConfigType): boolean;
}

/** Told of requests that no function has claimed, while their records still say what was asked. */
export interface UnclaimedListener {
  unclaimed(tlp: Tlp): void;
}

// Constants of this module: see "The hot path" in docs/architecture.md.
const { COMPLETION: COMPLETION_TLP, COMPLETION_DATA, MEMORY_WRITE } = TlpKind;
const { COMPLETION, POSTED } = FlowClass;

/** The device's end of a link: hands completions to the requester and answers requests for registers. */
export class EndpointPort implements TlpReceiver, Component {
  readonly name: string;
  /** Requests that no function claimed. */
  unsupportedRequests = 0;
  registerReads = 0;
  registerWrites = 0;
  /** Told of requests that no function claims. Default: nobody. */
  listener: UnclaimedListener | null = null;

  private readonly scheduler: Scheduler;
  private readonly link: PcieLink;
  private readonly tlps: TlpPool;
  private readonly target: CompleterTarget;
  private readonly requester: Requester;
  private readonly registerReadPs: number;
  private readonly answerRead: number;
  /** Whether completions take credits (those of an endpoint are infinite, 2.6.1). */
  private readonly counted: boolean;

  /** @param registerReadPs from the arrival of a register read to its completion, in ps. */
  constructor(
    name: string,
    scheduler: Scheduler,
    link: PcieLink,
    tlps: TlpPool,
    target: CompleterTarget,
    requester: Requester,
    registerReadPs: number,
  ) {
    this.name = name;
    this.scheduler = scheduler;
    this.link = link;
    this.tlps = tlps;
    this.target = target;
    this.requester = requester;
    this.registerReadPs = registerReadPs;
    this.answerRead = scheduler.task(`${name}.answer`, (index, epoch) =>
      this.answer(tlps.records[index], epoch),
    );
    this.counted = !link.downstream.isInfinite(COMPLETION);
    link.downstream.receiver = this;
  }

  receive(tlp: Tlp): void {
    const { kind } = tlp;
    if (kind === COMPLETION_DATA || kind === COMPLETION_TLP) {
      if (this.counted) this.link.downstream.release(COMPLETION, tlp.count, tlp.dataCredits);
      this.requester.complete(tlp);
    } else if (kind === MEMORY_WRITE) {
      this.registerWrites++;
      const claimed = this.target.memoryWrite(tlp.address, tlp.data >>> 0, tlp.byteEnables);
      if (!claimed) this.refuse(tlp);
      this.link.downstream.release(POSTED, 1, 1);
      this.tlps.give(tlp);
    } else {
      this.scheduler.schedule(this.registerReadPs, this.answerRead, tlp.index, this.link.downstream.epoch);
    }
  }

  reset(): void {
    this.unsupportedRequests = this.registerReads = this.registerWrites = 0;
  }

  counters(): Record<string, number> {
    const { unsupportedRequests, registerReads, registerWrites } = this;
    return { unsupportedRequests, registerReads, registerWrites };
  }

  private refuse(tlp: Tlp): void {
    this.unsupportedRequests++;
    this.listener?.unclaimed(tlp);
  }

  /** Turns the request into its completion, in the same record, and sends it back. */
  private answer(tlp: Tlp, epoch: number): void {
    const { kind, target, address, bytes } = tlp;
    const type = tlp.configType as ConfigType;
    let value = 0;
    let claimed: boolean;
    if (epoch !== this.link.downstream.epoch) {
      this.tlps.lose(tlp);
      return;
    }
    // Asked before the request takes effect: it may be what resets the function.
    const retry = kind !== TlpKind.MEMORY_READ && this.target.configRetry?.(target, type) === true;
    if (retry) {
      claimed = false;
    } else if (kind === TlpKind.CONFIG_WRITE) {
      claimed = this.target.configWrite(target, address, bytes, tlp.data >>> 0, type);
    } else {
      value =
        kind === TlpKind.CONFIG_READ
          ? this.target.configRead(target, address, bytes, type)
          : this.target.memoryRead(address, bytes);
      claimed = value !== NOT_CLAIMED;
    }
    if (kind === TlpKind.MEMORY_READ) this.registerReads++;
    if (!claimed && !retry) this.refuse(tlp);
    this.link.downstream.release(FlowClass.NON_POSTED, 1, kind === TlpKind.CONFIG_WRITE ? 1 : 0);
    const carriesData = claimed && kind !== TlpKind.CONFIG_WRITE;
    tlp.kind = carriesData ? TlpKind.COMPLETION_DATA : TlpKind.COMPLETION;
    tlp.flowClass = FlowClass.COMPLETION;
    const { SUCCESSFUL, UNSUPPORTED_REQUEST, CONFIG_RETRY } = CompletionStatus;
    tlp.status = claimed ? SUCCESSFUL : retry ? CONFIG_RETRY : UNSUPPORTED_REQUEST;
    tlp.bytes = carriesData ? 4 : 0;
    tlp.dataCredits = carriesData ? 1 : 0;
    tlp.linkBytes = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES + (carriesData ? 4 : 0);
    tlp.extraPs = 0;
    // 32 bits, as a small integer; who waits reads it back unsigned.
    tlp.data = value | 0;
    this.link.upstream.send(tlp);
  }
}
