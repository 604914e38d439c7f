import { ProbeKind } from '../kernel/index.ts';
import { type TlpHeaderRecord, type TlpLinkRecord, unpackTlpHeader, unpackTlpLink } from '../pcie/index.ts';
import type { LogRecord } from './log-reader.ts';

/** A train of TLPs as a log has it: those of one DMA request, or a single one. */
export interface LogTrain extends TlpHeaderRecord, TlpLinkRecord {
  /** When it was given to the link; ps. */
  readonly timePs: number;
  /** When its last symbol has left, and when it arrives; ps. */
  readonly leftPs: number;
  readonly arrivalPs: number;
  /** Number of its record in the TLP pool: a completion has that of its request. */
  readonly index: number;
  readonly tlps: number;
  /** Bytes on the link, framing included. */
  readonly linkBytes: number;
  readonly address: number;
  /** Bytes written, asked for or brought. */
  readonly bytes: number;
  /** Routing ID. */
  readonly requester: number;
  /** Routing ID of the function that a configuration request is for. */
  readonly target: number;
  /** The double word of a register access or message, unsigned; see {@link TlpHeaderRecord.carriesWord}. */
  readonly word: number;
  /** Who asked, and what it wants to be told: below 0 for software and messages. */
  readonly client: number;
  readonly cookie: number;
  /** Byte in the device's store, or -1. */
  readonly place: number;
}

const KINDS = [
  ProbeKind.TLP_SENT,
  ProbeKind.TLP_ADDRESS,
  ProbeKind.TLP_HEADER,
  ProbeKind.TLP_ORIGIN,
  ProbeKind.TLP_LINK,
] as const;

/**
 * Puts the records of each train together.
 *
 * @example
 * const trains = new LogTrains();
 * for (const record of log.records()) {
 *   const train = trains.add(record);
 *   if (train !== null) console.log(train.timePs, train.tlps, train.address);
 * }
 */
export class LogTrains {
  private records: LogRecord[] = [];

  /** Takes the next record of a log; returns the train that it completes, or null. One without its beginning is none. */
  add(record: LogRecord): LogTrain | null {
    if (record.kind === ProbeKind.TLP_SENT) this.records = [record];
    else if (this.records.length > 0 && record.kind === KINDS[this.records.length]) this.records.push(record);
    if (this.records.length < KINDS.length) return null;
    const [sent, where, what, origin, link] = this.records;
    this.records = [];
    const { timePs } = sent;
    const header = unpackTlpHeader(what.b);
    const left = unpackTlpLink(link.a);
    // Member by member: spreading the two into it takes twenty times as long.
    return {
      kind: header.kind,
      downstream: header.downstream,
      status: header.status,
      configType: header.configType,
      byteEnables: header.byteEnables,
      requestBytes: header.requestBytes,
      carriesWord: header.carriesWord,
      poisoned: header.poisoned,
      sequence: left.sequence,
      headerCredits: left.headerCredits,
      dataCredits: left.dataCredits,
      timePs,
      leftPs: timePs + link.b,
      arrivalPs: timePs + link.c,
      index: sent.a,
      tlps: sent.c,
      linkBytes: sent.b,
      address: (where.a >>> 0) + where.b * 2 ** 32,
      bytes: where.c,
      requester: what.a & 0xffff,
      target: what.a >>> 16,
      word: what.c >>> 0,
      client: origin.a,
      cookie: origin.b,
      place: origin.c,
    };
  }
}
