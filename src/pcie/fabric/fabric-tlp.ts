import type { PcieFunction } from '../function.ts';
import type { RoutingId } from '../routing-id.ts';
import {
  CREDIT_BYTES,
  DATA_LINK_OVERHEAD_BYTES,
  FlowClass,
  HEADER_3DW_BYTES,
  memoryHeaderBytes,
  spanOf,
  TlpKind,
} from '../tlp.ts';
import type { Tlp } from '../tlp-pool.ts';
import type { RoutedCompletion } from '../topology/completion-routing.ts';
import { AddressType, type HopAction, headerOf } from '../topology/request.ts';
import type { RoutedRequest } from '../topology/request-routing.ts';
import type { CompletionOrigin } from '../topology/ways.ts';
import type { Transfer } from './fabric-request.ts';

/** Where a request asks for its hops to be noted. */
export type NoteHop = (transfer: Transfer, at: string, action: HopAction, isCompletion: boolean) => void;

/** Who waits for completions. */
export interface CompletionTaker {
  /** One has come. */
  complete(completion: FabricCompletion): void;
  /** One has ended at `at`, and will never come. */
  lost(completion: FabricCompletion, at: string, reason: string): void;
}

/** A request TLP of a transfer, from when it is sent until it has ended. */
export class FabricTlp implements RoutedRequest {
  readonly transfer: Transfer;
  readonly owner: CompletionTaker;
  readonly requester: RoutingId;
  readonly isRead: boolean;
  /** As it was asked for. */
  readonly asked: number;
  address: number;
  readonly addressType: AddressType;
  throughRootComplex = false;
  readonly bytes: number;
  /** Place of its first byte in the transfer's data. */
  readonly at: number;
  /** Of a read: bytes that have not come yet. */
  missing: number;
  /** Of a read: what its completer has found. */
  value: Uint8Array = new Uint8Array(0);
  sentPs = 0;
  private readonly note: NoteHop | null;

  /** @param note null where hops are not noted. */
  constructor(
    transfer: Transfer,
    owner: CompletionTaker,
    address: number,
    bytes: number,
    at: number,
    note: NoteHop | null,
  ) {
    const { from, requester, addressType } = transfer.request;
    this.transfer = transfer;
    this.owner = owner;
    this.requester = requester ?? from?.routingId ?? 0;
    this.isRead = transfer.isRead;
    this.asked = this.address = address;
    this.addressType = addressType ?? AddressType.UNTRANSLATED;
    this.bytes = this.missing = bytes;
    this.at = at;
    this.note = note;
  }

  hop(at: string, action: HopAction): void {
    this.note?.(this.transfer, at, action, false);
  }

  header(isTranslated: boolean): readonly number[] {
    const { kind, addressType, relaxedOrdering } = this.transfer.request;
    const question = { kind, addressType, relaxedOrdering, bytes: this.bytes };
    return headerOf(question, this.requester, isTranslated ? this.address : this.asked);
  }

  /** Writes it into the record of a TLP. */
  fill(tlp: Tlp): void {
    const { address, bytes, isRead } = this;
    const payload = isRead ? 0 : spanOf(address, bytes);
    tlp.kind = isRead ? TlpKind.MEMORY_READ : TlpKind.MEMORY_WRITE;
    tlp.flowClass = isRead ? FlowClass.NON_POSTED : FlowClass.POSTED;
    tlp.bytes = bytes;
    fillSizes(tlp, memoryHeaderBytes(address), payload);
    tlp.requester = this.requester;
    tlp.address = address;
  }

  /** A completion of it that brings `bytes` from place `at` on, or none. */
  completion(bytes: number, at: number, status: FabricCompletion['status']): FabricCompletion {
    const isFirst = at === this.at;
    return new FabricCompletion(this, bytes, at, status, isFirst ? this.note : null);
  }
}

/** A completion of a request. */
export class FabricCompletion implements RoutedCompletion {
  readonly request: FabricTlp;
  readonly requester: RoutingId;
  readonly from: PcieFunction | null;
  readonly relaxedOrdering: boolean;
  /** Bytes that it brings, and their place in the transfer's data. */
  readonly bytes: number;
  readonly at: number;
  readonly status: 'successful' | 'unsupported-request' | 'completer-abort';
  private readonly note: NoteHop | null;

  constructor(
    request: FabricTlp,
    bytes: number,
    at: number,
    status: FabricCompletion['status'],
    note: NoteHop | null,
  ) {
    this.request = request;
    this.requester = request.requester;
    this.from = request.transfer.request.from;
    this.relaxedOrdering = request.transfer.request.relaxedOrdering ?? false;
    this.bytes = bytes;
    this.at = at;
    this.status = status;
    this.note = note;
  }

  hop(at: string, action: HopAction): void {
    this.note?.(this.request.transfer, at, action, true);
  }

  /** Writes it into the record of a TLP. */
  fill(tlp: Tlp): void {
    const { bytes, request } = this;
    const address = request.asked + this.at - request.at;
    tlp.kind = bytes > 0 ? TlpKind.COMPLETION_DATA : TlpKind.COMPLETION;
    tlp.flowClass = FlowClass.COMPLETION;
    tlp.bytes = bytes;
    fillSizes(tlp, HEADER_3DW_BYTES, bytes > 0 ? spanOf(address, bytes) : 0);
    tlp.requester = this.requester;
    tlp.address = address;
  }
}

/** What a TLP needs to be answered with: a request that has arrived, and where its completion starts. */
export interface ArrivedRequest {
  readonly request: FabricTlp;
  readonly completer: PcieFunction | 'memory';
  readonly bar: number;
  readonly offset: number;
  readonly origin: CompletionOrigin;
}

function fillSizes(tlp: Tlp, headerBytes: number, payload: number): void {
  tlp.count = 1;
  tlp.linkBytes = DATA_LINK_OVERHEAD_BYTES + headerBytes + payload;
  tlp.dataCredits = Math.ceil(payload / CREDIT_BYTES);
  tlp.extraPs = 0;
  tlp.store = null;
  tlp.status = 0;
}
