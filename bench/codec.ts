import {
  Endpoint,
  EndpointReceiver,
  encodedBytes,
  encodeTlp,
  encodeTlpInto,
  parseTlp,
  type TlpPacket,
  TlpView,
} from 'sriovsim/pcie';
import { intel82599Config } from 'sriovsim/profiles';
import { type BenchOptions, type BenchPart, type BenchResult, interleave } from './harness.ts';

const BATCH = 50_000;
const BUS = 1;
const NO_BYTES = new Uint8Array(0);
const COPY = 'bytes copied';

/** What crosses a link between a driver and a card: register accesses, descriptors and frames read and written, completions. */
const MIX: readonly TlpPacket[] = [
  memory('MRd', 0x1_2345_6780n, 512),
  completion(64),
  memory('MWr', 0x1_2345_6000n, 64),
  completion(256),
  memory('MRd', 0x4000n, 16),
  completion(16),
  memory('MWr', 0xfee0_0000n, 4),
  {
    kind: 'CfgRd0',
    requester: 0,
    tag: 1,
    target: BUS << 8,
    register: 0x10,
    firstEnables: 15,
    payload: NO_BYTES,
  },
];

/**
 * TLPs as bytes, a mix of eight kinds in one buffer: looked at where they lie (all checks of a receiver, and the fields that
 * say where one goes), parsed to objects, and encoded, beside a loop that copies their bytes. Then configuration reads that
 * a device answers by TLPs.
 */
export const part: BenchPart = {
  name: 'codec',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const ends: number[] = [];
    let size = 0;
    for (const tlp of MIX) {
      size += encodedBytes(tlp);
      ends.push(size);
    }
    const buffer = new Uint8Array(size);
    MIX.reduce((at, tlp) => encodeTlpInto(buffer, at, tlp), 0);
    const packets = MIX.map((tlp) => encodeTlp(tlp));
    const out = new Uint8Array(size);
    const view = new TlpView({ maxPayloadBytes: 256 });
    const read = packets[7];
    const receiver = new EndpointReceiver(new Endpoint({ functions: intel82599Config(), bus: BUS }));
    return interleave(options, {
      unit: 'TLPs/s',
      reference: COPY,
      contenders: [
        {
          name: COPY,
          run: () =>
            batch((i) => {
              const packet = packets[i];
              for (let at = 0; at < packet.length; at++) out[at] = packet[at];
              return packet.length;
            }),
        },
        {
          name: 'looked at in place, checked',
          run: () =>
            batch((i) => {
              if (!view.look(buffer, i === 0 ? 0 : ends[i - 1], ends[i])) return 0;
              return view.requester + view.tag + view.address + view.payloadBytes + 1;
            }),
        },
        { name: 'parsed to objects', run: () => batch((i) => Number(parseTlp(packets[i]).tlp !== null)) },
        { name: 'encoded into a buffer', run: () => batch((i) => encodeTlpInto(out, 0, MIX[i])) },
        { name: 'encoded', run: () => batch((i) => encodeTlp(MIX[i]).length) },
        {
          name: 'configuration reads answered',
          run: () => batch(() => receiver.receive(read).completions.length),
        },
      ],
    });
  },
};

/** Does it so often, for each TLP of the mix in turn; each has to have an outcome. */
function batch(work: (index: number) => number): number {
  for (let i = 0; i < BATCH; i++) if (work(i & 7) === 0) throw new Error('nothing has come of a TLP');
  return BATCH;
}

function memory(kind: 'MRd' | 'MWr', address: bigint, bytes: number): TlpPacket {
  const lastEnables = bytes > 4 ? 15 : 0;
  const header = { requester: 0x0180, tag: 7, address, firstEnables: 15, lastEnables };
  if (kind === 'MRd') return { ...header, kind, words: bytes / 4 };
  return { ...header, kind, payload: new Uint8Array(bytes).fill(0x5a) };
}

function completion(bytes: number): TlpPacket {
  return {
    kind: 'CplD',
    requester: 0x0180,
    tag: 7,
    completer: 0,
    status: 0,
    byteCount: bytes,
    lowerAddress: 0,
    payload: new Uint8Array(bytes).fill(0xa5),
  };
}
