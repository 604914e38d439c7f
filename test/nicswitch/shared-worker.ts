import { parentPort, workerData } from 'node:worker_threads';
import { RandomStreams } from '../../src/base/index.ts';
import { attachSwitchPort, type SharedSwitchDescriptor } from '../../src/nicswitch/index.ts';
import { crc32, writeEthernet } from '../../src/wire/index.ts';
import { BROADCAST, mac, STRANGER } from './fixtures.ts';

/** A thread at a VPort: sends frames that can be recognised, and checks those that it receives. */
export interface WorkerOrder {
  descriptor: SharedSwitchDescriptor;
  vport: number;
  vports: number;
  frames: number;
  /** Word v is set to 1 when VPort v has sent everything. */
  done: Int32Array;
}

/** What it has seen. */
export interface WorkerReport {
  vport: number;
  /** Frames sent to each VPort; behind them those to the wire alone, then broadcasts. */
  sent: number[];
  /** Frames received from each VPort, unicast and broadcast. */
  received: number[];
  broadcasts: number[];
  /** Sentences about what was wrong. */
  errors: string[];
}

const HEADER = 14;
const FLOW = HEADER;
const SEQUENCE = HEADER + 4;
const CHECKSUM = HEADER + 8;
const BODY = HEADER + 12;

/** Sends and receives until everything is sent and the switch is closed. */
function run({ descriptor, vport, vports, frames, done }: WorkerOrder): WorkerReport {
  const port = attachSwitchPort(descriptor, vport);
  const random = new RandomStreams(vport).stream('frames');
  const view = new DataView(port.u8.buffer);
  const report: WorkerReport = {
    vport,
    sent: new Array(vports + 2).fill(0),
    received: new Array(vports).fill(0),
    broadcasts: new Array(vports).fill(0),
    errors: [],
  };
  /** By sender and kind: the number of the frame that came last. */
  const last = new Map<string, number>();

  const sendOne = (number: number): boolean => {
    const at = port.reserve();
    if (at < 0) return false;
    const kind = random.integer(10);
    const flow =
      kind === 0 ? vports + 1 : kind === 1 ? vports : (vport + 1 + random.integer(vports - 1)) % vports;
    const destination = flow === vports + 1 ? BROADCAST : flow === vports ? STRANGER : mac(flow);
    const bytes = 60 + random.integer(200);
    writeEthernet(port.u8, at, { destination, source: mac(vport), etherType: 0x88b5 });
    view.setInt32(at + FLOW, flow);
    view.setInt32(at + SEQUENCE, number);
    for (let i = BODY; i < bytes; i++) port.u8[at + i] = random.integer(256);
    view.setInt32(at + CHECKSUM, crc32(port.u8, at + BODY, bytes - BODY));
    // Now and then several at once.
    port.commit(bytes, -1, random.integer(3) > 0);
    report.sent[flow]++;
    return true;
  };

  const receiveOne = (): boolean => {
    const entry = port.receive();
    if (entry < 0) return false;
    const at = port.offsetOf(entry);
    const bytes = port.lengthOf(entry);
    const flow = view.getInt32(at + FLOW);
    const number = view.getInt32(at + SEQUENCE);
    const from = port.u8[at + 11];
    if (view.getInt32(at + CHECKSUM) !== (crc32(port.u8, at + BODY, bytes - BODY) | 0)) {
      report.errors.push(`frame ${number} of VPort ${from} has changed on its way`);
    }
    if (flow !== vport && flow !== vports + 1) report.errors.push(`VPort ${vport} got a frame to ${flow}`);
    const key = `${from} ${flow}`;
    if (number <= (last.get(key) ?? -1)) report.errors.push(`frame ${number} of ${key} came late or twice`);
    last.set(key, number);
    if (flow === vport) report.received[from]++;
    else report.broadcasts[from]++;
    port.release();
    return true;
  };

  let sent = 0;
  while (sent < frames || !port.closed) {
    let idle = true;
    if (sent < frames && sendOne(sent)) {
      sent++;
      idle = false;
      if (sent === frames) {
        port.flush();
        Atomics.store(done, vport, 1);
        Atomics.notify(done, vport);
      }
    }
    if (receiveOne()) idle = false;
    if (idle) port.waitForFrame(1);
  }
  while (receiveOne());
  port.detach();
  return report;
}

parentPort?.postMessage(run(workerData as WorkerOrder));
