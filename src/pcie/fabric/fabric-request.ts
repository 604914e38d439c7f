import { checkBoolean, checkInteger, checkKeys, checkOneOf } from '../../base/index.ts';
import { PcieFunction } from '../function.ts';
import type { RoutingId } from '../routing-id.ts';
import type { AddressType, HierarchyError, HierarchyOutcome, Hop } from '../topology/request.ts';

/** A read or write of a function, or of a processor, for any number of bytes. */
export interface FabricRequest {
  /** The function that asks, or null for a processor. */
  readonly from: PcieFunction | null;
  /** Requester ID of its requests. Default: the function's own; another one is forged. */
  readonly requester?: RoutingId;
  readonly kind: 'read' | 'write';
  /** Below 2^53. */
  readonly address: number;
  /** From 1 on. Requests end at multiples of 4 KiB and of what a TLP may ask for or carry. */
  readonly bytes: number;
  /** What a write writes, `bytes` of it. Default: zeros. */
  readonly data?: Uint8Array;
  /** Default untranslated. */
  readonly addressType?: AddressType;
  /** Relaxed Ordering, for access control: what waits keeps its order. Default false. */
  readonly relaxedOrdering?: boolean;
}

const KEYS: Readonly<Record<keyof FabricRequest, true>> = {
  from: true,
  requester: true,
  kind: true,
  address: true,
  bytes: true,
  data: true,
  addressType: true,
  relaxedOrdering: true,
};

/** A request that is well-formed. @throws TypeError or RangeError that names what is wrong. */
export function checkRequest(request: FabricRequest): void {
  const { from, kind, address, bytes, data, requester, addressType, relaxedOrdering } =
    checkKeys<FabricRequest>('request', request, KEYS);
  if (from !== null && !(from instanceof PcieFunction)) {
    throw new TypeError(`from must be a function or null, got ${typeof from}`);
  }
  checkOneOf('kind', kind, ['read', 'write']);
  checkInteger('address', address, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('bytes', bytes, 1, Math.min(2 ** 30, Number.MAX_SAFE_INTEGER - address));
  if (data !== undefined) {
    if (!(data instanceof Uint8Array)) throw new TypeError(`data must be a Uint8Array, got ${typeof data}`);
    checkInteger('bytes of data', data.length, bytes, bytes);
  }
  if (requester !== undefined) checkInteger('requester', requester, 0, 0xffff);
  checkInteger('addressType', addressType ?? 0, 0, 2);
  if (relaxedOrdering !== undefined) checkBoolean('relaxedOrdering', relaxedOrdering);
}

/** A step on the way of a TLP, and when it was decided. */
export interface FabricHop extends Hop {
  readonly timePs: number;
}

/** What became of a read or write. */
export interface FabricOutcome {
  /** That of the first TLP that did not succeed. */
  readonly status: HierarchyOutcome['status'];
  /** When it was asked for. */
  readonly startPs: number;
  /** When the last data of a read were there; when the last TLP of a write had been taken, or had ended as an error. */
  readonly endPs: number;
  /** What a read brought; all ones where it failed. Empty for a write. */
  readonly data: Uint8Array;
  /** Requests that it was cut into. */
  readonly requests: number;
  /** Whether a request came through the root complex, from one root port to another too. */
  readonly throughRootComplex: boolean;
  /** The first one. */
  readonly error: HierarchyError | null;
  /** The way of the first request, and of the first completion for it. */
  readonly hops: readonly FabricHop[];
}

/** A read or write under way. */
export class Transfer {
  readonly request: FabricRequest;
  readonly startPs: number;
  /** Ascends in the order in which transfers are asked for. */
  readonly order: number;
  readonly done: (outcome: FabricOutcome) => void;
  readonly data: Uint8Array;
  readonly hops: FabricHop[] = [];
  /** Bytes that are asked for, and requests for them. */
  issued = 0;
  requests = 0;
  /** Requests that have ended. */
  ended = 0;
  status: HierarchyOutcome['status'] = 'successful';
  throughRootComplex = false;
  error: HierarchyError | null = null;

  constructor(
    request: FabricRequest,
    startPs: number,
    order: number,
    done: (outcome: FabricOutcome) => void,
  ) {
    this.request = request;
    this.startPs = startPs;
    this.order = order;
    this.done = done;
    this.data =
      request.kind === 'read'
        ? new Uint8Array(request.bytes).fill(0xff)
        : (request.data ?? new Uint8Array(request.bytes));
  }

  get isRead(): boolean {
    return this.request.kind === 'read';
  }

  /** Whether all has been asked for. */
  get isIssued(): boolean {
    return this.issued === this.request.bytes;
  }

  /** One of its requests has ended. */
  end(status: HierarchyOutcome['status'], nowPs: number): void {
    this.ended++;
    if (this.status === 'successful') this.status = status;
    if (this.isIssued && this.ended === this.requests) this.finish(nowPs);
  }

  finish(endPs: number): void {
    const { status, startPs, requests, throughRootComplex, error, hops } = this;
    const data = this.isRead ? this.data : new Uint8Array(0);
    this.done({ status, startPs, endPs, data, requests, throughRootComplex, error, hops });
  }
}
