import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { CompletionStatus, decodeTlpHeader, encodeTlpHeader, TlpKind } from '../../src/pcie/index.ts';
import { tlpNames } from '../../src/sim/index.ts';
import {
  type BinaryLog,
  type LogConfigurations,
  type SingleTlp,
  singleTlps,
  TLP_LINK_TYPE,
  TLP_RECORD_BYTES,
  TlpCapture,
  TlpFrames,
  TlpPurposes,
  tlpHeaderOf,
} from '../../src/trace/index.ts';
import { tshark, tsharkText, whyNoTshark } from '../wire/tshark.ts';
import { loggedRun, MIXED } from './tlp-log.ts';

const noTshark = whyNoTshark();
const SCRIPT = fileURLToPath(new URL('../../wireshark/sriovsim-tlp.lua', import.meta.url));
const LUA = ['-X', `lua_script:${SCRIPT}`];

let log: BinaryLog;
let configurations: LogConfigurations;
let purposes: TlpPurposes;
let tlps: readonly SingleTlp[];

const headerOf = (tlp: SingleTlp) => tlpHeaderOf(tlp, configurations.at(tlp.decidedPs));

beforeAll(() => {
  ({ log } = loggedRun(MIXED));
  purposes = new TlpPurposes(log, { names: tlpNames(log), frames: new TlpFrames(log) });
  configurations = purposes.configurations;
  tlps = [...singleTlps(log)];
});

/** A capture of some TLPs. */
function capture(some: readonly SingleTlp[]): Uint8Array {
  const made = new TlpCapture(log.header.link, configurations, { application: 'a test' });
  for (const tlp of some) made.add(tlp, purposes.of(tlp));
  return Buffer.concat(made.parts());
}

/** The blocks of a capture: type, and body without lengths. */
function blocksOf(file: Uint8Array): { type: number; body: DataView }[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const blocks: { type: number; body: DataView }[] = [];
  for (let at = 0; at < file.length; at += view.getUint32(at + 4, true)) {
    const length = view.getUint32(at + 4, true);
    blocks.push({
      type: view.getUint32(at, true),
      body: new DataView(file.buffer, file.byteOffset + at + 8, length - 12),
    });
  }
  return blocks;
}

describe('a capture of TLPs', () => {
  it('has an interface for each direction, of a link type for private use', () => {
    const described = blocksOf(capture([])).filter(({ type }) => type === 1);
    expect(described.map(({ body }) => body.getUint16(0, true))).toEqual([TLP_LINK_TYPE, TLP_LINK_TYPE]);
    expect(TLP_LINK_TYPE).toBe(147);
  });

  it('has the header of each TLP behind the record header, and says how much of a payload is missing', () => {
    const packets = blocksOf(capture(tlps)).filter(({ type }) => type === 6);
    expect(packets.length).toBe(tlps.length);
    let missing = 0;
    let expected = 0;
    packets.forEach(({ body }, i) => {
      const tlp = tlps[i];
      const [captured, original] = [body.getUint32(12, true), body.getUint32(16, true)];
      const bytes = new Uint8Array(body.buffer, body.byteOffset + 20, captured);
      const at = bytes[1];
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      expect(bytes[0]).toBe(1);
      expect(view.getUint16(4)).toBe(tlp.sequence);
      expect(Number(view.getBigUint64(16))).toBe(tlp.startPs);
      const header = decodeTlpHeader(bytes.subarray(at));
      expect(header).toEqual({ trafficClass: 0, attributes: 0, ...headerOf(tlp) });
      // On the link come framing, sequence number and LCRC beside it.
      expect(original - at).toBe(tlp.linkBytes - 8);
      missing += original - captured;
      if (tlp.word === null && 'words' in header && (bytes[at] & 0x40) !== 0) expected += 4 * header.words;
      if (tlp.word !== null) expect(captured).toBe(original);
      else expect(captured - at).toBe(encodeTlpHeader(header).length);
      const text = new TextDecoder().decode(bytes.subarray(TLP_RECORD_BYTES, at));
      expect(text).toBe(purposes.of(tlp));
    });
    expect(missing).toBe(expected);
    expect(missing).toBeGreaterThan(50_000);
  });

  it('has configuration requests and their completions as the specification lays them out', () => {
    // The first that software does: the Vendor ID of 01:00.0, two bytes.
    expect(headerOf(tlps[0])).toMatchObject({
      kind: TlpKind.CONFIG_READ,
      target: 0x0100,
      register: 0,
      firstEnables: 3,
    });
    expect(headerOf(tlps[1])).toMatchObject({
      kind: TlpKind.COMPLETION_DATA,
      completer: 0x0100,
      requester: 0,
      byteCount: 4,
      lowerAddress: 0,
      words: 1,
    });
  });

  it('has register reads completed by the function whose register it is', () => {
    const read = tlps.find(({ kind, downstream }) => downstream && kind === TlpKind.MEMORY_READ) as SingleTlp;
    const completion = tlps.find(
      ({ answers, tag, startPs }) => answers === read.kind && tag === read.tag && startPs > read.startPs,
    ) as SingleTlp;
    expect(headerOf(completion)).toMatchObject({
      completer: 0x0100,
      requester: 0,
      byteCount: 4,
      lowerAddress: read.address % 0x80,
    });
  });
});

describe(`tshark ${noTshark ?? ''}`.trim(), () => {
  it.skipIf(noTshark !== undefined)('reads the link: interfaces, sequence numbers, credits, times', () => {
    const rows = tshark(
      capture(tlps),
      [
        'frame.interface_name',
        'frame.interface_description',
        'frame.time_epoch',
        'sriovsim.downstream',
        'sriovsim.seq',
        'sriovsim.credits.header',
        'sriovsim.credits.data',
        'sriovsim.credits.class',
        'sriovsim.train.number',
        'sriovsim.train.tlps',
        'sriovsim.link_bytes',
        'sriovsim.time',
        'sriovsim.duration',
        'sriovsim.arrival',
        'sriovsim.purpose',
      ],
      LUA,
    );
    const credits = (count: number) => (count === Number.POSITIVE_INFINITY ? '65535' : String(count));
    expect(rows).toEqual(
      tlps.map((tlp) => [
        tlp.downstream ? 'downstream' : 'upstream',
        `PCI Express, from the ${tlp.downstream ? 'root complex to the card' : 'card to the root complex'}`,
        `0.${String(Math.floor(tlp.startPs / 1000)).padStart(9, '0')}`,
        tlp.downstream ? '1' : '0',
        String(tlp.sequence),
        credits(tlp.headerCredits),
        credits(tlp.dataCredits),
        ['posted', 'completion', 'non-posted'][
          tlp.kind === TlpKind.MEMORY_WRITE ? 0 : [2, 3].includes(tlp.kind) ? 1 : 2
        ],
        String(tlp.number),
        String(tlp.count),
        String(tlp.linkBytes),
        String(tlp.startPs),
        String(tlp.endPs - tlp.startPs),
        String(tlp.arrivalPs - tlp.startPs),
        purposes.of(tlp),
      ]),
    );
    for (const name of ['upstream', 'downstream']) {
      const numbers = rows.filter(([direction]) => direction === name).map((row) => Number(row[4]));
      expect(numbers).toEqual(numbers.map((_, i) => i % 4096));
    }
  });

  it.skipIf(noTshark !== undefined)('reads every field of the TLPs', () => {
    const rows = tshark(
      capture(tlps),
      ['tlp.fmt_type', 'tlp.length', 'tlp.requester', 'tlp.tag', 'tlp.first_be', 'tlp.last_be', 'tlp.address']
        .concat(['tlp.target', 'tlp.register', 'tlp.completer', 'tlp.status', 'tlp.byte_count'])
        .concat(['tlp.lower_address', 'tlp.bytes', 'tlp.dword', 'tlp.payload.missing', 'tlp.ep']),
      LUA,
    );
    const hex = (value: number, digits: number) => `0x${value.toString(16).padStart(digits, '0')}`;
    const id = (value: number) =>
      `${hex(value >> 8, 2).slice(2)}:${hex((value >> 3) & 31, 2).slice(2)}.${value & 7}`;
    const expected = tlps.map((tlp) => {
      const header = headerOf(tlp);
      const type = encodeTlpHeader(header)[0];
      const isCompletion = 'completer' in header;
      const words = 'words' in header ? header.words : 1;
      const carries = (type & 0x40) !== 0;
      return [
        hex(type, 2),
        String(words % 1024),
        id(header.requester),
        String(tlp.tag ?? 0),
        'firstEnables' in header ? hex(header.firstEnables, 2) : '',
        isCompletion ? '' : hex('lastEnables' in header ? header.lastEnables : 0, 2),
        'address' in header ? hex(header.address, 16) : '',
        'target' in header ? id(header.target) : '',
        'register' in header ? hex(header.register, 4) : '',
        isCompletion ? id(header.completer) : '',
        isCompletion ? String(header.status) : '',
        isCompletion ? String(header.byteCount % 4096) : '',
        isCompletion ? hex(header.lowerAddress, 2) : '',
        // A register's completion brings a double word, whatever of it was asked for.
        String(isCompletion && tlp.word !== null ? header.byteCount : tlp.bytes),
        carries && tlp.word !== null ? hex(laid(tlp), 8) : '',
        carries && tlp.word === null ? String(4 * words) : '',
        '0',
      ];
    });
    expect(rows).toEqual(expected);
  });

  it.skipIf(noTshark !== undefined)(
    'leads from requests to completions and back, and tells the latency',
    () => {
      const fields = ['frame.number', 'tlp.request_in', 'tlp.completion_in', 'tlp.latency'];
      const rows = tshark(capture(tlps), fields, ['-2', ...LUA]);
      const asked = new Map<string, number>();
      const answers = new Map<number, number[]>();
      const expected = tlps.map((tlp, i) => {
        const key = (downstream: boolean) => `${downstream} ${tlp.requester} ${tlp.tag}`;
        if (tlp.kind === TlpKind.COMPLETION || tlp.kind === TlpKind.COMPLETION_DATA) {
          const request = asked.get(key(!tlp.downstream)) as number;
          answers.set(request, [...(answers.get(request) ?? []), i + 1]);
          return [String(i + 1), String(request), (tlp.arrivalPs - tlps[request - 1].startPs) / 1000];
        }
        if (tlp.tag !== null) asked.set(key(tlp.downstream), i + 1);
        return [String(i + 1), '', ''];
      });
      rows.forEach(([number, request, completions, latency], i) => {
        expect([number, request]).toEqual(expected[i].slice(0, 2));
        expect(completions).toBe((answers.get(i + 1) ?? []).join(','));
        if (expected[i][2] === '') expect(latency).toBe('');
        else expect(Number(latency)).toBeCloseTo(Number(expected[i][2]), 6);
      });
      expect([...answers.values()].filter(({ length }) => length > 1).length).toBeGreaterThan(10);
    },
  );

  it.skipIf(noTshark !== undefined)('finds no fault with the capture of a sound run', () => {
    const expert = tsharkText(capture(tlps), [...LUA, '-q', '-z', 'expert']);
    expect(expert).not.toMatch(/Errors|Warns|Notes/);
  });

  it.skipIf(noTshark !== undefined)('warns of what has gone wrong', () => {
    const read = tlps.find(
      ({ kind, downstream }) => kind === TlpKind.MEMORY_READ && !downstream,
    ) as SingleTlp;
    const later = (more: Partial<SingleTlp>, i: number): SingleTlp => ({
      ...read,
      startPs: read.startPs + 1000 * i,
      endPs: read.endPs + 1000 * i,
      arrivalPs: read.arrivalPs + 1000 * i,
      ...more,
    });
    const failed = { kind: TlpKind.COMPLETION, answers: TlpKind.MEMORY_READ, downstream: true, byteCount: 4 };
    const down = (sequence: number, status: number, i: number) => later({ ...failed, sequence, status }, i);
    const up = (sequence: number, more: Partial<SingleTlp>, i: number) => later({ sequence, ...more }, i);
    const rows = tshark(
      capture([
        up(0, {}, 0),
        down(0, CompletionStatus.UNSUPPORTED_REQUEST, 1),
        up(1, {}, 2),
        down(1, CompletionStatus.COMPLETER_ABORT, 3),
        up(2, {}, 4),
        down(2, CompletionStatus.CONFIG_RETRY, 5),
        down(3, CompletionStatus.UNSUPPORTED_REQUEST, 6),
        up(3, { kind: TlpKind.MEMORY_WRITE, tag: null, poisoned: true }, 7),
        up(4, {}, 8),
        up(5, {}, 9),
        up(9, { kind: TlpKind.MEMORY_WRITE, tag: null }, 10),
      ]),
      ['_ws.expert.message', 'tlp.ep'],
      LUA,
    );
    const abort = 'Completer Abort';
    const refused = 'Unsupported Request: nobody answers to it';
    expect(rows.map(([message]) => message)).toEqual([
      '',
      refused,
      '',
      abort,
      '',
      'Configuration Request Retry Status',
      `${refused},Completion of a request that the capture does not have`,
      'Poisoned: the payload is known to be bad',
      '',
      'The request that had its tag before has not been completed',
      'TLPs in front of it are not in the capture',
    ]);
    expect(rows.map(([, poisoned]) => poisoned).join('')).toBe('00000001000');
  });

  it.skipIf(noTshark !== undefined)('says in a line what a TLP is', () => {
    const lines = tsharkText(capture(tlps), LUA).split('\n');
    for (const line of [
      /00:00\.0 → 01:00\.0 +TLP \d+ +0 down CfgRd0 01:00\.0 register 0x000, 2 bytes, tag 0; configuration read, 01:00\.0 \(PF\) Vendor ID/,
      /01:00\.0 → 00:00\.0 +TLP \d+ +0 up +CplD SC to 00:00\.0 tag 0, 4 of 4 bytes = 0x00008086; /,
      /01:10\.0 → root complex +TLP \d+ +\d+ up +MRd 0x[0-9a-f]+, \d+ bytes, tag \d+; transmit payload/,
      /00:00\.0 → 01:10\.0 +TLP \d+ +\d+ down CplD SC to 01:10\.0 tag \d+, \d+ of \d+ bytes; completion/,
      /01:10\.2 → root complex +TLP \d+ +\d+ up +MWr 0xfee00000, 4 bytes = 0x[0-9a-f]{8}; MSI-X message/,
    ])
      expect(lines.filter((text) => line.test(text)).length, String(line)).toBeGreaterThan(0);
  });
});

/** The double word of a register access in its byte lanes. */
function laid({ word, address, bytes }: SingleTlp): number {
  const value = bytes === 4 ? (word as number) : (word as number) % 2 ** (8 * bytes);
  return (value * 2 ** (8 * (address % 4))) % 2 ** 32;
}
