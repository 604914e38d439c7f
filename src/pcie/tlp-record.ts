import { type Probe, ProbeKind, type ProbeSink } from '../kernel/index.ts';
import { ABANDONED_CLIENT } from './requester-client.ts';
import { type CompletionStatus, ReadOutcome, TlpKind } from './tlp.ts';
import type { Tlp } from './tlp-pool.ts';

/** What `b` of a TLP_HEADER record says. */
export interface TlpHeaderRecord {
  readonly kind: TlpKind;
  /** Whether it travels from the root complex to the device. */
  readonly downstream: boolean;
  /** Completion Status. */
  readonly status: CompletionStatus;
  /** Type of a configuration request. */
  readonly configType: 0 | 1;
  /** Byte enables of a register write. */
  readonly byteEnables: number;
  /** Bytes of each request of a read train but the last: Max_Read_Request_Size; 0 where there is none. */
  readonly requestBytes: number;
  /** Whether `c` is the payload: the record carries a double word and no place in a store. */
  readonly carriesWord: boolean;
  /** EP: whether the payload is marked as bad (PCI Express Base 2.7.2). */
  readonly poisoned: boolean;
}

/** What `a` of a TLP_LINK record says. */
export interface TlpLinkRecord {
  /** Sequence number of the first TLP of the train (PCI Express Base 3.5.2.1): 0 to 4,095. */
  readonly sequence: number;
  /** Credits of its class that the transmitter has left behind the train; Infinity where they have no end. */
  readonly headerCredits: number;
  readonly dataCredits: number;
}

const { TLP_ADDRESS, TLP_HEADER, TLP_ORIGIN, TLP_LINK } = ProbeKind;
const { COMPLETION_DATA } = TlpKind;
const { POISONED } = ReadOutcome;

/** Credits from here on are without end. */
const MANY = 1 << 20;
const HEADERS_WITHOUT_END = 0xff;
const DATA_WITHOUT_END = 0xfff;
/** Sequence numbers have twelve bits. */
const SEQUENCE_MASK = 0xfff;
/** EP in a TLP_HEADER record. */
const POISONED_BIT = 1 << 26;

/** Direction of a TLP_RESENT record, above the number of its first TLP. */
export const RESENT_DOWNSTREAM: number = 1 << 15;

/** What a direction of a link knows of a train that it has just sent. */
export interface TlpDeparture {
  /** 0 from the device to the root complex, 1 from there to the device. */
  readonly number: number;
  /** TLPs sent before, since the link was trained. */
  readonly sequence: number;
  /** What is left. */
  readonly headerCredits: number;
  readonly dataCredits: number;
  /** From now until the last symbol has left, and until the train arrives, in ps. */
  readonly leftPs: number;
  readonly delayPs: number;
}

/** Tells a sink the rest of a train that has just been given to the link, behind its TLP_SENT: four records. */
export function recordTlp(sink: ProbeSink, nowPs: number, tlp: Tlp, departure: TlpDeparture): void {
  const { address } = tlp;
  const routing = (tlp.requester & 0xffff) | (tlp.target << 16);
  const place = tlp.store === null ? -1 : tlp.storeOffset;
  sink.record(nowPs, TLP_ADDRESS, address | 0, (address / 2 ** 32) | 0, tlp.bytes);
  sink.record(nowPs, TLP_HEADER, routing, packHeader(tlp, departure.number), tlp.data);
  // Also of a read that is abandoned.
  sink.record(nowPs, TLP_ORIGIN, tlp.client % ABANDONED_CLIENT, tlp.cookie, place);
  recordLink(sink, nowPs, departure);
}

/** Tells a sink that a train has just been given to the link again, from its TLP `first` on. */
export function recordResent(
  sink: ProbeSink,
  nowPs: number,
  train: { readonly index: number; readonly count: number },
  first: number,
  departure: TlpDeparture,
): void {
  const where = first | (departure.number * RESENT_DOWNSTREAM);
  sink.record(nowPs, ProbeKind.TLP_RESENT, train.index, train.count - first, where);
  recordLink(sink, nowPs, departure);
}

/** Tells a sink that the root port refuses a train's request, in whose record a refused translation is no address. */
export function recordRefusal(probe: Probe, { index, requester, address }: Tlp, write: number): void {
  probe.record(ProbeKind.REQUEST_REFUSED, index, requester | (write << 16), Number(address < 0));
}

function recordLink(sink: ProbeSink, nowPs: number, departure: TlpDeparture): void {
  const { sequence, headerCredits, dataCredits, leftPs, delayPs } = departure;
  const headers = headerCredits >= MANY ? HEADERS_WITHOUT_END : headerCredits;
  const data = dataCredits >= MANY ? DATA_WITHOUT_END : dataCredits;
  const link = (sequence & SEQUENCE_MASK) | (headers << 12) | (data << 20);
  sink.record(nowPs, TLP_LINK, link, leftPs | 0, delayPs);
}

function packHeader(tlp: Tlp, direction: number): number {
  const carriesWord = tlp.store === null ? 1 : 0;
  const isPoisoned = tlp.kind === COMPLETION_DATA && tlp.status === POISONED;
  return (
    tlp.kind |
    (direction << 3) |
    ((tlp.status & 7) << 4) |
    ((tlp.configType & 1) << 7) |
    ((tlp.byteEnables & 0xf) << 8) |
    (carriesWord << 12) |
    ((tlp.requestBytes & 0x1fff) << 13) |
    (isPoisoned ? POISONED_BIT : 0)
  );
}

/** Takes `b` of a TLP_HEADER record apart. */
export function unpackTlpHeader(b: number): TlpHeaderRecord {
  return {
    kind: (b & 7) as TlpKind,
    downstream: (b & 8) !== 0,
    status: ((b >> 4) & 7) as CompletionStatus,
    configType: ((b >> 7) & 1) as 0 | 1,
    byteEnables: (b >> 8) & 0xf,
    carriesWord: (b & (1 << 12)) !== 0,
    requestBytes: (b >> 13) & 0x1fff,
    poisoned: (b & (1 << 26)) !== 0,
  };
}

/** Takes `a` of a TLP_LINK record apart. */
export function unpackTlpLink(a: number): TlpLinkRecord {
  const headers = (a >>> 12) & 0xff;
  const data = a >>> 20;
  return {
    sequence: a & SEQUENCE_MASK,
    headerCredits: headers === HEADERS_WITHOUT_END ? Number.POSITIVE_INFINITY : headers,
    dataCredits: data === DATA_WITHOUT_END ? Number.POSITIVE_INFINITY : data,
  };
}
