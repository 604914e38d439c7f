import { Endpoint, EndpointReceiver, encodeTlp, parseTlp, type TlpPacket } from 'sriovsim/pcie';
import { intel82599Config } from 'sriovsim/profiles';
import { type BenchOptions, type BenchResult, interleave } from './harness.ts';

const BATCH = 20_000;
const BAR0 = 0xe000_0000;
const BUS = 1;

/** TLPs as bytes: encoded, parsed with all checks of a receiver, and taken by a device. */
export function benchCodec(options: BenchOptions): Promise<BenchResult[]> {
  const header = { requester: 0, tag: 7, firstEnables: 15 } as const;
  const write: TlpPacket = {
    ...header,
    kind: 'MWr',
    address: BigInt(BAR0),
    lastEnables: 15,
    payload: new Uint8Array(64),
  };
  const configRead: TlpPacket = {
    ...header,
    kind: 'CfgRd0',
    target: BUS << 8,
    register: 0,
    payload: new Uint8Array(0),
  };
  const [writeBytes, readBytes] = [write, configRead].map((tlp) => encodeTlp(tlp));
  const receiver = new EndpointReceiver(new Endpoint({ functions: intel82599Config(), bus: BUS }));
  return interleave(options, {
    unit: 'TLPs/s',
    contenders: [
      { name: 'writes of 64 B encoded', run: () => batch(() => encodeTlp(write).length) },
      { name: 'writes of 64 B parsed', run: () => batch(() => Number(parseTlp(writeBytes).tlp !== null)) },
      {
        name: 'configuration reads answered',
        run: () => batch(() => receiver.receive(readBytes).completions.length),
      },
    ],
  });
}

/** Does it so often; each has to have an outcome. */
function batch(work: () => number): number {
  for (let i = 0; i < BATCH; i++) if (work() === 0) throw new Error('nothing has come of a TLP');
  return BATCH;
}
