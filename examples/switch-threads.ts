/**
 * The switch with threads at its VPorts: each fills slots of shared memory with frames and reads those of the others where
 * they were written. The switch runs in the main thread and passes slot numbers; no byte of a frame is copied.
 *
 *     node .build/examples/switch-threads.js
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  attachSwitchConfiguration,
  attachSwitchPort,
  SharedSwitch,
  type SharedSwitchDescriptor,
} from 'sriovsim/nicswitch';
import { buildTestFrame } from 'sriovsim/wire';

const VPORTS = 4;
const FRAMES = 100_000;
const macOf = (vport: number) => 0x020000000000 + vport;

interface Order {
  descriptor: SharedSwitchDescriptor;
  vport: number;
  /** Counts the VPorts that have sent everything. */
  done: Int32Array;
}

/** A thread at a VPort: sends to all others in turn, and receives until the switch is closed. */
function guest({ descriptor, vport, done }: Order): { vport: number; received: number; bytes: number } {
  const port = attachSwitchPort(descriptor, vport);
  if (vport === 0) {
    // Any thread may configure the switch, and this one would like to be checked.
    attachSwitchConfiguration(descriptor).apply([['setAntiSpoof', 0, { mac: true }]]);
  }
  let sent = 0;
  let received = 0;
  let bytes = 0;
  while (sent < FRAMES || !port.closed) {
    for (let offset = port.reserve(); sent < FRAMES && offset >= 0; offset = port.reserve()) {
      const destination = macOf((vport + 1 + (sent % (VPORTS - 1))) % VPORTS);
      const frame = { destination, source: macOf(vport), flow: vport, frameBytes: 64 };
      port.commit(buildTestFrame(frame, port.u8, offset), -1, true);
      if (++sent === FRAMES) Atomics.add(done, 0, 1);
    }
    port.flush();
    let count = 0;
    for (let entry = port.receive(); entry >= 0; entry = port.receive()) {
      bytes += port.lengthOf(entry);
      count++;
    }
    port.release(count);
    received += count;
    if (count === 0) port.waitForFrame(1);
  }
  return { vport, received, bytes };
}

async function host(): Promise<void> {
  // As many slots as a receiver has room for: none is ever too slow.
  const shared = new SharedSwitch({ vports: VPORTS, slots: 512, sendEntries: 64, receiveEntries: 512 });
  const { nicSwitch, descriptor } = shared;
  const done = new Int32Array(new SharedArrayBuffer(4));
  const results = Array.from({ length: VPORTS }, (_, vport) => {
    nicSwitch.setVPortEnabled(vport, true, true);
    nicSwitch.addMac(vport, macOf(vport));
    const worker = new Worker(new URL(import.meta.url), { workerData: { descriptor, vport, done } });
    return new Promise<ReturnType<typeof guest>>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  });

  let bursts = 0;
  for (let idle = false; !idle; bursts++) {
    const taken = shared.forward(64);
    idle = taken === 0 && Atomics.load(done, 0) === VPORTS && shared.slots().receivers === 0;
    if (taken === 0 && !idle) shared.wait(1);
  }
  shared.close();

  for (const { vport, received, bytes } of await Promise.all(results)) {
    console.log(`VPort ${vport} received ${received} frames, ${bytes} bytes`);
  }
  nicSwitch.checkBalance();
  const { framesIn, replicas, delivered, dropped } = nicSwitch.balance();
  console.log(`${framesIn} frames in + ${replicas} replicas = ${delivered} delivered + ${dropped} dropped`);
  console.log(`${Math.round(framesIn / bursts)} frames a burst; slots: ${JSON.stringify(shared.slots())}`);
}

if (isMainThread) await host();
else parentPort?.postMessage(guest(workerData as Order));
