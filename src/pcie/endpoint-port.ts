import type { Component, Scheduler } from '../kernel/index.ts';
import type { ConfigType } from './config-access.ts';
import type { PcieLink, TlpReceiver } from './link.ts';
import type { Requester } from './requester.ts';
import { CompletionStatus, DATA_LINK_OVERHEAD_BYTES, FlowClass, HEADER_3DW_BYTES, TlpKind } from './tlp.ts';
import type { TlpPool } from './tlp-pool.ts';

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
  /** False where the function does not exist. */
  configWrite(routingId: number, offset: number, bytes: number, value: number, type: ConfigType): boolean;
}

/** The device's end of a link: hands completions to the requester and answers requests for registers. */
export class EndpointPort implements TlpReceiver, Component {
  readonly name: string;
  /** Requests that no function claimed. */
  unsupportedRequests = 0;
  registerReads = 0;
  registerWrites = 0;

  private readonly scheduler: Scheduler;
  private readonly link: PcieLink;
  private readonly tlps: TlpPool;
  private readonly target: CompleterTarget;
  private readonly requester: Requester;
  private readonly registerReadPs: number;
  private readonly answerRead: number;

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
    this.answerRead = scheduler.task(`${name}.answer`, (tlp) => this.answer(tlp));
    link.downstream.receiver = this;
  }

  receive(tlp: number): void {
    const tlps = this.tlps;
    const kind = tlps.kind[tlp];
    if (kind === TlpKind.COMPLETION_DATA || kind === TlpKind.COMPLETION) {
      this.link.downstream.release(FlowClass.COMPLETION, tlps.count[tlp], tlps.dataCredits[tlp]);
      this.requester.complete(tlp);
    } else if (kind === TlpKind.MEMORY_WRITE) {
      this.registerWrites++;
      const claimed = this.target.memoryWrite(tlps.address[tlp], tlps.data[tlp] >>> 0, tlps.byteEnables[tlp]);
      if (!claimed) this.unsupportedRequests++;
      this.link.downstream.release(FlowClass.POSTED, 1, 1);
      tlps.give(tlp);
    } else {
      this.scheduler.schedule(this.registerReadPs, this.answerRead, tlp, 0);
    }
  }

  reset(): void {
    this.unsupportedRequests = this.registerReads = this.registerWrites = 0;
  }

  counters(): Record<string, number> {
    const { unsupportedRequests, registerReads, registerWrites } = this;
    return { unsupportedRequests, registerReads, registerWrites };
  }

  /** Turns the request into its completion, in the same row, and sends it back. */
  private answer(tlp: number): void {
    const tlps = this.tlps;
    const kind = tlps.kind[tlp];
    const target = tlps.target[tlp];
    const type = tlps.configType[tlp] as ConfigType;
    let value = 0;
    let claimed: boolean;
    if (kind === TlpKind.CONFIG_WRITE) {
      const value = tlps.data[tlp] >>> 0;
      claimed = this.target.configWrite(target, tlps.address[tlp], tlps.bytes[tlp], value, type);
    } else {
      value =
        kind === TlpKind.CONFIG_READ
          ? this.target.configRead(target, tlps.address[tlp], tlps.bytes[tlp], type)
          : this.target.memoryRead(tlps.address[tlp], tlps.bytes[tlp]);
      claimed = value !== NOT_CLAIMED;
    }
    if (kind === TlpKind.MEMORY_READ) this.registerReads++;
    if (!claimed) this.unsupportedRequests++;
    this.link.downstream.release(FlowClass.NON_POSTED, 1, kind === TlpKind.CONFIG_WRITE ? 1 : 0);
    const carriesData = claimed && kind !== TlpKind.CONFIG_WRITE;
    tlps.kind[tlp] = carriesData ? TlpKind.COMPLETION_DATA : TlpKind.COMPLETION;
    tlps.flowClass[tlp] = FlowClass.COMPLETION;
    tlps.status[tlp] = claimed ? CompletionStatus.SUCCESSFUL : CompletionStatus.UNSUPPORTED_REQUEST;
    tlps.bytes[tlp] = carriesData ? 4 : 0;
    tlps.dataCredits[tlp] = carriesData ? 1 : 0;
    tlps.linkBytes[tlp] = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES + (carriesData ? 4 : 0);
    tlps.extraPs[tlp] = 0;
    tlps.data[tlp] = value;
    this.link.upstream.send(tlp);
  }
}
