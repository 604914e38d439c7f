import { beforeAll, describe, expect, it } from 'vitest';
import {
  attachSwitchConfiguration,
  attachSwitchPort,
  attachSwitchReceiver,
  attachSwitchSender,
  entrySlot,
  SharedSwitch,
  type SharedSwitchOptions,
  TAG_INSERT,
  tagOperation,
} from '../../src/nicswitch/index.ts';
import { BROADCAST, frameBytes, mac } from './fixtures.ts';
import type { WorkerOrder, WorkerReport } from './shared-worker.ts';
import { startThread, threadScript } from './threads.ts';

/** A shared switch with VPorts that send and receive, each with its address. */
function sharedSwitch(vports: number, options: Partial<SharedSwitchOptions> = {}): SharedSwitch {
  const shared = new SharedSwitch({ vports, ...options });
  for (let v = 0; v < vports; v++) {
    shared.nicSwitch.setVPortEnabled(v, true, true);
    shared.nicSwitch.addMac(v, mac(v));
  }
  return shared;
}

/** All slots of a switch at rest are free or with senders. */
function expectNoSlotLost(shared: SharedSwitch): void {
  const { free, senders, receivers, switch: held } = shared.slots();
  expect({ sum: free + senders, receivers, held }).toEqual({
    sum: shared.nicSwitch.frames.slots,
    receivers: 0,
    held: 0,
  });
}

describe('a shared switch with four threads at its VPorts', () => {
  const VPORTS = 4;
  const FRAMES = process.env['SRIOVSIM_LONG'] ? 200_000 : 10_000;
  let script: string;
  beforeAll(async () => {
    script = await threadScript('shared-worker.ts');
  });

  /** Runs the threads until each has sent its frames and every frame has arrived; the wire's are counted here. */
  async function run(
    options: Partial<SharedSwitchOptions>,
    afterBurst: (shared: SharedSwitch) => void = () => {},
  ) {
    const shared = sharedSwitch(VPORTS, options);
    const done = new Int32Array(new SharedArrayBuffer(4 * VPORTS));
    const threads = Array.from({ length: VPORTS }, (_, vport) => {
      const order: WorkerOrder = {
        descriptor: shared.descriptor,
        vport,
        vports: VPORTS,
        frames: FRAMES,
        done,
      };
      return startThread<WorkerReport>(script, order);
    });
    const wire = attachSwitchReceiver(shared.descriptor, VPORTS);
    let toWire = 0;
    for (;;) {
      const taken = shared.forward(64);
      afterBurst(shared);
      for (; wire.receive() >= 0; toWire++) wire.release();
      if (taken > 0) continue;
      const { receivers, switch: held } = shared.slots();
      if (done.every((_, v) => Atomics.load(done, v) === 1) && receivers === 0 && held === 0) {
        if (shared.forward() === 0) break;
      } else shared.wait(1);
    }
    shared.close();
    const reports = await Promise.all(threads.map(({ result }) => result));
    shared.forward();
    return { shared, reports, toWire };
  }

  it('delivers every frame once, unchanged and in the order of its flow, where receivers have room for all', async () => {
    const { shared, reports, toWire } = await run({ slots: 160, sendEntries: 32, receiveEntries: 256 });
    expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
    for (const { vport, received, broadcasts } of reports) {
      for (const { vport: from, sent } of reports) {
        expect(received[from], `from ${from} to ${vport}`).toBe(sent[vport]);
        expect(broadcasts[from]).toBe(from === vport ? 0 : sent[VPORTS + 1]);
      }
    }
    const sum = (kind: number) => reports.reduce((total, { sent }) => total + sent[kind], 0);
    expect(toWire).toBe(sum(VPORTS) + sum(VPORTS + 1));
    expect(shared.nicSwitch.balance()).toMatchObject({
      framesIn: VPORTS * FRAMES,
      replicas: VPORTS * sum(VPORTS + 1) - sum(VPORTS + 1),
      dropped: 0,
    });
    shared.nicSwitch.checkBalance();
    expectNoSlotLost(shared);
  }, 120_000);

  it('drops at slow receivers, counted, and loses nothing else', async () => {
    const { shared, reports, toWire } = await run({ sendEntries: 64, receiveEntries: 4, queueEntries: 4 });
    expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
    const { framesIn, replicas, delivered, dropped } = shared.nicSwitch.balance();
    const received = reports.reduce(
      (total, report) => total + [...report.received, ...report.broadcasts].reduce((a, b) => a + b),
      toWire,
    );
    expect(framesIn).toBe(VPORTS * FRAMES);
    expect(delivered).toBe(received);
    expect(framesIn + replicas).toBe(received + dropped);
    expect(dropped).toBe(shared.nicSwitch.dropped('outputFull'));
    expectNoSlotLost(shared);
  }, 120_000);

  it('takes changes between bursts that do not concern the frames, and loses none by them', async () => {
    let burst = 0;
    const { shared, reports } = await run({ slots: 160, sendEntries: 32, receiveEntries: 256 }, (shared) => {
      const vport = burst++ % VPORTS;
      shared.nicSwitch.addMac(vport, 0x02aa00000000 + (burst % 100));
      shared.nicSwitch.removeMac((vport + 1) % VPORTS, 0x02aa00000000 + ((burst + 7) % 100));
      shared.nicSwitch.setAntiSpoof(vport, { mac: burst % 3 === 0 });
      shared.nicSwitch.setPortVlan(vport, burst % 2 === 0 ? 'descriptor' : 'never');
    });
    expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
    expect(shared.nicSwitch.balance().dropped).toBe(0);
    for (const { vport, received } of reports) {
      expect(received).toEqual(reports.map(({ sent }) => sent[vport]));
    }
    expectNoSlotLost(shared);
  }, 120_000);
});

describe('a port of a shared switch', () => {
  it('receives the bytes where the sender has written them', () => {
    const shared = sharedSwitch(2);
    const [a, b] = [0, 1].map((vport) => attachSwitchPort(shared.descriptor, vport));
    const at = a.reserve();
    a.u8.set(frameBytes({ to: mac(1) }), at);
    a.commit(60);
    expect(shared.forward()).toBe(1);
    const entry = b.receive();
    expect([b.offsetOf(entry), b.lengthOf(entry)]).toEqual([at, 60]);
    expect(b.u8.buffer).toBe(a.u8.buffer);
    expect(b.bytesOf(entry)).toEqual(frameBytes({ to: mac(1) }));
    expect(b.receive()).toBe(-1);
    b.release();
    shared.forward();
    expectNoSlotLost(shared);
  });

  it('hands each receiver of a broadcast the same slot, and has it back when the last one releases it', () => {
    const shared = sharedSwitch(3);
    const ports = [0, 1, 2, 3].map((vport) => attachSwitchPort(shared.descriptor, vport));
    ports[0].send(frameBytes({ to: BROADCAST }));
    shared.forward();
    const slots = ports.map((port) => port.receive()).map((entry) => (entry < 0 ? -1 : entrySlot(entry)));
    expect(slots).toEqual([-1, slots[1], slots[1], slots[1]]);
    const { free } = shared.slots();
    for (const [vport, left] of [
      [1, free],
      [3, free],
      [2, free + 1],
    ]) {
      ports[vport].release();
      shared.forward();
      expect(shared.slots().free).toBe(left);
    }
  });

  it('tells of the tag beside a frame, and what is to be done with it', () => {
    const shared = sharedSwitch(2);
    shared.nicSwitch.setPortVlan(0, 10);
    const [a, b] = [0, 1].map((vport) => attachSwitchPort(shared.descriptor, vport));
    a.send(frameBytes({ to: mac(1) }));
    shared.forward();
    const entry = b.receive();
    expect([tagOperation(entry), b.tciOf(entry)]).toEqual([TAG_INSERT, 10]);
    const copy = new Uint8Array(80);
    expect(b.copyTo(copy, entry)).toBe(64);
    expect(copy.subarray(0, 64)).toEqual(
      Uint8Array.from([
        ...frameBytes({ to: mac(1), tci: 10 }).subarray(0, 16),
        ...frameBytes({ to: mac(1) }).subarray(12),
      ]),
    );
  });

  it('has as many slots to fill as its ring has entries, and new ones once the switch has taken them', () => {
    const shared = sharedSwitch(2, { sendEntries: 4 });
    const port = attachSwitchPort(shared.descriptor, 0);
    const frame = frameBytes({ to: mac(1) });
    expect([1, 2, 3, 4, 5].map(() => port.send(frame))).toEqual([true, true, true, true, false]);
    expect(port.reserve()).toBe(-1);
    expect(shared.forward(3)).toBe(3);
    expect([1, 2, 3, 4].map(() => port.send(frame))).toEqual([true, true, true, false]);
  });

  it('tells the switch of frames with more to follow when the last one comes, or at a flush', () => {
    const shared = sharedSwitch(2);
    const port = attachSwitchPort(shared.descriptor, 0);
    port.u8.set(frameBytes({ to: mac(1) }), port.reserve());
    port.commit(60, -1, true);
    expect(shared.forward()).toBe(0);
    port.flush();
    expect(shared.forward()).toBe(1);
  });

  it('keeps what was not released until it is, in the order of arrival', () => {
    const shared = sharedSwitch(2, { receiveEntries: 4, queueEntries: 4 });
    const [a, b] = [0, 1].map((vport) => attachSwitchPort(shared.descriptor, vport));
    for (let i = 0; i < 6; i++) a.send(frameBytes({ to: mac(1), bytes: 60 + i }));
    shared.forward();
    const lengths = () => {
      const entry = b.receive();
      return entry < 0 ? -1 : b.lengthOf(entry);
    };
    expect([1, 2, 3, 4, 5].map(lengths)).toEqual([60, 61, 62, 63, -1]);
    b.release(2);
    shared.forward();
    expect([1, 2, 3].map(lengths)).toEqual([64, 65, -1]);
    expect(b.receiver.held).toBe(4);
  });

  it('can be two threads’: one sends, another receives', () => {
    const shared = sharedSwitch(2);
    const sender = attachSwitchSender(shared.descriptor, 0);
    const receiver = attachSwitchReceiver(shared.descriptor, 0);
    shared.nicSwitch.setSelfDelivery(0, true);
    expect(sender.send(frameBytes({ to: mac(0) }))).toBe(true);
    shared.forward();
    expect(receiver.receive()).not.toBe(-1);
  });

  it('goes on where the one before has detached', () => {
    const shared = sharedSwitch(2);
    const first = attachSwitchPort(shared.descriptor, 1);
    const a = attachSwitchPort(shared.descriptor, 0);
    for (let i = 0; i < 3; i++) a.send(frameBytes({ to: mac(1), bytes: 60 + i }));
    shared.forward();
    first.receive();
    first.reserve();
    first.detach();
    const second = attachSwitchPort(shared.descriptor, 1);
    expect(second.lengthOf(second.receive())).toBe(61);
    expect(second.send(frameBytes({ to: mac(0) }))).toBe(true);
    shared.forward();
    expect(a.receive()).not.toBe(-1);
  });

  it('is received again from where a thread was that ended without detaching', () => {
    const shared = sharedSwitch(2);
    const a = attachSwitchPort(shared.descriptor, 0);
    const lost = attachSwitchPort(shared.descriptor, 1);
    for (let i = 0; i < 2; i++) a.send(frameBytes({ to: mac(1), bytes: 60 + i }));
    shared.forward();
    lost.receive();
    lost.receive();
    lost.release();
    lost.reserve();
    shared.detach(1);
    const next = attachSwitchPort(shared.descriptor, 1);
    expect(next.lengthOf(next.receive())).toBe(61);
    next.detach();
    shared.forward();
    expectNoSlotLost(shared);
  });

  it('says when the switch is closed, and does not sleep then', () => {
    const shared = sharedSwitch(2);
    const port = attachSwitchPort(shared.descriptor, 1);
    expect([port.closed, port.waitForFrame(0)]).toEqual([false, false]);
    shared.close();
    expect([port.closed, port.waitForFrame()]).toEqual([true, false]);
  });
});

describe('wrong use of a shared switch', () => {
  it.each([
    ['a descriptor whose buffer is not shared', { buffer: new ArrayBuffer(4096), controlOffset: 0 }, 0],
    ['no descriptor', undefined, 0],
    ['memory that is no switch', { buffer: new SharedArrayBuffer(4096), controlOffset: 0 }, 0],
  ])('throws a TypeError: %s', (_, descriptor, vport) => {
    expect(() => attachSwitchPort(descriptor as never, vport)).toThrow(TypeError);
    expect(() => attachSwitchPort(descriptor as never, vport)).toThrow(
      /^descriptor(\.buffer)? must be (a SharedArrayBuffer|the descriptor of a SharedSwitch), got /,
    );
    expect(() => attachSwitchConfiguration(descriptor as never)).toThrow(TypeError);
  });

  it.each([-1, 3, 0.5])('throws a RangeError: VPort %d of 2', (vport) => {
    const { descriptor } = sharedSwitch(2);
    expect(() => attachSwitchPort(descriptor, vport)).toThrow(
      new RangeError(`vport must be an integer from 0 to 2, got ${vport}`),
    );
  });

  it('throws a RangeError: a port that somebody is attached to, of which nothing stays attached', () => {
    const { descriptor } = sharedSwitch(2);
    attachSwitchPort(descriptor, 0);
    expect(() => attachSwitchPort(descriptor, 0)).toThrow(
      new RangeError('vport must be one without a sender, got 0, to which one is attached'),
    );
    const receiver = attachSwitchReceiver(descriptor, 1);
    expect(() => attachSwitchPort(descriptor, 1)).toThrow(/one without a receiver, got 1/);
    receiver.detach();
    expect(attachSwitchPort(descriptor, 1).port).toBe(1);
  });

  it('throws a RangeError: a frame beyond the slot, a commit without a reserve, a release without a receive', () => {
    const shared = sharedSwitch(2, { sendEntries: 1 });
    const port = attachSwitchPort(shared.descriptor, 0);
    expect(() => port.commit(60)).toThrow(/commit must follow a reserve/);
    expect(() => port.send(new Uint8Array(2049))).toThrow(/frame.length must be an integer from 0 to 2048/);
    port.reserve();
    expect(() => port.commit(2049)).toThrow(/bytes must be an integer from 0 to 2048/);
    expect(() => port.commit(60, 0x10000)).toThrow(/tci must be an integer from -1 to 65535/);
    expect(() => port.release()).toThrow(/count must be an integer from 0 to 0, got 1/);
  });

  it.each([
    [{ sendEntries: 3 }, 'sendEntries must be a power of two, got 3'],
    [{ receiveEntries: 0 }, 'receiveEntries must be an integer from 1 to 65536, got 0'],
    [{ slots: 100 }, 'slots must be an integer from 192 to 1048576, got 100'],
    [{ maxFrameBytes: 9000 }, 'slotBytes must hold the longest frame and a tag, 9004, got 2048'],
    [{ vports: 0 }, 'vports must be an integer from 1 to 16384, got 0'],
  ])('throws a RangeError at construction: %j', (options, message) => {
    expect(() => new SharedSwitch({ vports: 2, ...options })).toThrow(new RangeError(message));
  });
});
