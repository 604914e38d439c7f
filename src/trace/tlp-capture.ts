import { encodeTlpHeader, spanOf } from '../pcie/index.ts';
import { type PcapngSection, PcapngWriter } from '../wire/index.ts';
import type { LogConfigurations } from './log-configurations.ts';
import { LogError, type LogLink } from './log-format.ts';
import type { SingleTlp } from './tlp-cut.ts';
import { tlpHeaderOf, tlpPayloadOf } from './tlp-header.ts';
import { carriesData } from './tlp-kinds.ts';

/** LINKTYPE_USER0: for the formats of whoever writes the file. */
export const TLP_LINK_TYPE = 147;
/** Version of the record header, which docs/tlps.md describes. */
export const TLP_RECORD_VERSION = 1;
/** Bytes of it in front of the text that says what the TLP is for; behind the text comes the TLP's own header. */
export const TLP_RECORD_BYTES = 32;
/** Its length has one byte. */
const MAX_TEXT_BYTES = 0xff - TLP_RECORD_BYTES;
const UINT32_MAX = 2 ** 32 - 1;

/** Bits of the record header's flags. */
const DOWNSTREAM = 1 << 0;
const TAG_KNOWN = 1 << 1;
const BAD = 1 << 2;
const DISCARDED = 1 << 3;
const REPLAYED = 1 << 4;
const LOST = 1 << 5;
const UNFRAMED = 1 << 6;
const DUPLICATE = 1 << 7;
/** Credits that have no end. */
const WITHOUT_END = 0xffff;
const BYTE_BITS = 8;
const SECOND_PS = 1e12;

/**
 * TLPs as a pcapng capture: an interface for each direction of the link, and each TLP with its header as it is on the
 * link behind a header of ours that says what a link knows beside: sequence number, credits, times.
 *
 * @example
 * const capture = new TlpCapture(log.header.link, new LogConfigurations(log), { application: 'my model' });
 * for (const tlp of singleTlps(log)) capture.add(tlp);
 * const parts = capture.parts();
 */
export class TlpCapture {
  private readonly writer: PcapngWriter;
  private readonly configurations: LogConfigurations;
  private readonly interfaces: readonly number[];

  /**
   * @param link of the log's header.
   * @throws LogError if there is none.
   */
  constructor(link: LogLink | null, configurations: LogConfigurations, section: PcapngSection = {}) {
    if (link === null) throw new LogError('says nothing of a link: there are no TLPs to be had from it');
    const [numerator, denominator] = link.psPerByte;
    const bitsPerSecond = Math.round((BYTE_BITS * SECOND_PS * denominator) / numerator);
    this.configurations = configurations;
    const writer = new PcapngWriter(section);
    this.writer = writer;
    this.interfaces = [
      { name: 'upstream', description: 'PCI Express, from the card to the root complex' },
      { name: 'downstream', description: 'PCI Express, from the root complex to the card' },
    ].map((direction) => writer.addInterface({ ...direction, linkType: TLP_LINK_TYPE, bitsPerSecond }));
  }

  /** Packets so far. */
  get packets(): number {
    return this.writer.packets;
  }

  /** Appends a TLP. @param purpose what it is for, of which 223 bytes are kept. */
  add(tlp: SingleTlp, purpose = ''): void {
    const header = encodeTlpHeader(tlpHeaderOf(tlp, this.configurations.at(tlp.decidedPs)));
    const payload = tlpPayloadOf(tlp);
    const text = new TextEncoder().encode(purpose).subarray(0, MAX_TEXT_BYTES);
    const front = TLP_RECORD_BYTES + text.length;
    const bytes = new Uint8Array(front + header.length + (payload?.length ?? 0));
    writeRecordHeader(new DataView(bytes.buffer), tlp, front);
    bytes.set(text, TLP_RECORD_BYTES);
    bytes.set(header, front);
    if (payload !== null) bytes.set(payload, front + header.length);
    this.writer.addPacket({
      interface: this.interfaces[Number(tlp.downstream)],
      timePs: tlp.startPs,
      bytes,
      originalBytes: front + header.length + payloadBytes(tlp),
      // As the card sees it.
      direction: tlp.downstream ? 'inbound' : 'outbound',
    });
  }

  /** What is complete of the file until now, to be written at once and not kept; nothing comes twice. */
  takeParts(): readonly Uint8Array[] {
    return this.writer.takeParts();
  }

  /** The rest of the file, to be written behind what was taken. */
  parts(): readonly Uint8Array[] {
    return this.writer.parts();
  }
}

function payloadBytes({ kind, word, address, bytes }: SingleTlp): number {
  if (!carriesData(kind)) return 0;
  return word === null ? spanOf(address, bytes) : 4;
}

/** All numbers most significant byte first, as in a TLP. */
function writeRecordHeader(view: DataView, tlp: SingleTlp, bytes: number): void {
  const credits = (count: number) => (count === Number.POSITIVE_INFINITY ? WITHOUT_END : count);
  view.setUint8(0, TLP_RECORD_VERSION);
  view.setUint8(1, bytes);
  view.setUint16(2, flagsOf(tlp));
  view.setUint16(4, tlp.sequence);
  view.setUint16(6, credits(tlp.headerCredits));
  view.setUint16(8, credits(tlp.dataCredits));
  view.setUint16(10, tlp.number);
  view.setUint16(12, tlp.count);
  view.setUint16(14, tlp.linkBytes);
  view.setBigUint64(16, BigInt(tlp.startPs));
  view.setUint32(24, Math.min(tlp.endPs - tlp.startPs, UINT32_MAX));
  view.setUint32(28, Math.min(tlp.arrivalPs - tlp.startPs, UINT32_MAX));
}

function flagsOf({ downstream, tag, received, replayed }: SingleTlp): number {
  return (
    (downstream ? DOWNSTREAM : 0) |
    (tag === null ? 0 : TAG_KNOWN) |
    (received === 'bad' ? BAD : 0) |
    (received === 'discarded' ? DISCARDED : 0) |
    (replayed ? REPLAYED : 0) |
    (received === 'lost' ? LOST : 0) |
    (received === 'unframed' ? UNFRAMED : 0) |
    (received === 'duplicate' ? DUPLICATE : 0)
  );
}
