import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeTlpHeader, encodeTlpHeader, TlpKind } from '../../src/pcie/index.ts';
import { logHeader, logTrailer, recordLog, tlpNames } from '../../src/sim/index.ts';
import {
  BinaryLog,
  formatTlp,
  LogWriter,
  type SingleTlp,
  singleTlps,
  TlpCapture,
  TlpFrames,
  TlpPurposes,
  tlpHeaderOf,
} from '../../src/trace/index.ts';
import { join } from '../trace/log-fixture.ts';
import { tsharkText, whyNoTshark } from '../wire/tshark.ts';
import { makeSimulation, settle } from './rig.ts';
import { MIXED } from './tlp-log.ts';

const noTshark = whyNoTshark();
const SCRIPT = fileURLToPath(new URL('../../wireshark/sriovsim-tlp.lua', import.meta.url));

let log: BinaryLog;
let purposes: TlpPurposes;
let messages: readonly SingleTlp[];

beforeAll(() => {
  const simulation = makeSimulation(MIXED);
  const pieces: Uint8Array[] = [];
  const writer = new LogWriter(logHeader(simulation), (piece) => pieces.push(piece.slice()));
  recordLog(simulation, writer);
  simulation.boot();
  simulation.advance(simulation.endPs);
  const { rootComplex, nic, bridge } = simulation.machine;
  const { pf } = nic;
  rootComplex.configWrite(pf.routingId, 0xa8, 2, 0x000f);
  // The last double word below the root port that no BAR claims.
  const last = Math.max(bridge.memoryLimit, bridge.prefetchLimit) - 3;
  expect(nic.endpoint.claim(last)).toBe(false);
  rootComplex.write32(last, 1);
  settle(simulation, 0.01);
  writer.end(logTrailer(simulation));
  log = new BinaryLog(join(pieces));
  purposes = new TlpPurposes(log, { names: tlpNames(log), frames: new TlpFrames(log) });
  messages = [...singleTlps(log)].filter(({ kind }) => kind === TlpKind.MESSAGE);
});

describe('an error message in a log', () => {
  it('is one TLP of the function that sends it, upstream, of 24 bytes on the link', () => {
    expect(messages).toMatchObject([
      { downstream: false, requester: 0x0100, bytes: 0, linkBytes: 24, count: 1 },
    ]);
  });

  it('is told with its name', () => {
    expect(purposes.of(messages[0])).toContain('error message, ERR_NONFATAL');
    expect(formatTlp(messages[0], purposes)).toMatch(/ up .* Msg +01:00\.0 /);
  });

  it('has the header that the specification lays out', () => {
    const header = encodeTlpHeader(
      tlpHeaderOf(messages[0], purposes.configurations.at(messages[0].decidedPs)),
    );
    expect(Buffer.from(header).toString('hex')).toBe('30000000010000310000000000000000');
    expect(decodeTlpHeader(header)).toMatchObject({ kind: TlpKind.MESSAGE, routing: 0, code: 0x31 });
  });

  it.skipIf(noTshark !== undefined)('is named by the dissector', () => {
    const made = new TlpCapture(log.header.link, purposes.configurations, { application: 'a test' });
    made.add(messages[0], purposes.of(messages[0]));
    const text = tsharkText(Buffer.concat(made.parts()), ['-X', `lua_script:${SCRIPT}`]);
    expect(text).toContain('Msg ERR_NONFATAL');
  });
});
