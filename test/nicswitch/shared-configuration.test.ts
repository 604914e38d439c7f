import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  attachSwitchConfiguration,
  attachSwitchPort,
  attachSwitchReceiver,
  type ConfigurationChange,
  entrySlot,
  type NicSwitch,
  SharedSwitch,
  tagOperation,
} from '../../src/nicswitch/index.ts';
import {
  ANSWERED,
  BEGUN,
  type ConfigurationOrder,
  NUMBER,
  OVER,
  SENDER,
  SENT_AT,
  WORDS,
} from './configuration-words.ts';
import { frameBytes, mac, written } from './fixtures.ts';
import { type Change, change, traffic } from './random-traffic.ts';
import { decide, newConfig, type ReferenceConfig } from './reference-switch.ts';
import { hex } from './reference-tags.ts';
import { startThread, threadScript } from './threads.ts';

const VPORTS = 4;
/** Messages of a course. */
const MESSAGES = 25;

describe('a message to the configuration of a shared switch', () => {
  it('is carried out at the next burst, and tells what each change returned', () => {
    const shared = new SharedSwitch({ vports: 2, macFilters: 1 });
    const configuration = attachSwitchConfiguration(shared.descriptor);
    const changes: ConfigurationChange[] = [
      ['addMac', 0, mac(0)],
      ['addMac', 1, mac(1)],
      ['removeMac', 1, mac(1)],
      ['setAntiSpoof', 0, { mac: true }],
    ];
    expect(configuration.post(changes)).toBe(true);
    expect([configuration.poll(), shared.nicSwitch.hasMac(0, mac(0))]).toEqual([undefined, false]);
    shared.forward();
    expect(configuration.poll()).toEqual([true, false, false, null]);
    expect(configuration.poll()).toBeUndefined();
    expect(shared.nicSwitch.hasMac(0, mac(0))).toBe(true);
  });

  it('holds for the frames of that burst', () => {
    const shared = new SharedSwitch({ vports: 2 });
    const configuration = attachSwitchConfiguration(shared.descriptor);
    const [a, b] = [0, 1].map((vport) => attachSwitchPort(shared.descriptor, vport));
    a.send(frameBytes({ to: mac(1) }));
    configuration.post([
      ['setVPortEnabled', 0, true, true],
      ['setVPortEnabled', 1, true, true],
      ['addMac', 1, mac(1)],
    ]);
    expect(shared.wait(0)).toBe(true);
    shared.forward();
    expect(b.receive()).not.toBe(-1);
  });

  it('is one at a time: another thread waits for its turn', () => {
    const shared = new SharedSwitch({ vports: 2 });
    const [one, other] = [1, 2].map(() => attachSwitchConfiguration(shared.descriptor));
    expect([one.post([['setLoopback', false]]), other.post([['setLoopback', true]])]).toEqual([true, false]);
    shared.forward();
    expect(other.post([['setLoopback', true]])).toBe(false);
    expect([other.poll(), one.poll()]).toEqual([undefined, [null]]);
    expect(other.post([['setLoopback', true]])).toBe(true);
  });

  it('throws what a change throws, with its number; those before it are made, those behind it are not', () => {
    const shared = new SharedSwitch({ vports: 2 });
    const configuration = attachSwitchConfiguration(shared.descriptor);
    configuration.post([
      ['addMac', 0, mac(0)],
      ['addMac', 7, mac(1)],
      ['addMac', 1, mac(1)],
    ]);
    shared.forward();
    expect(() => configuration.poll()).toThrow(
      new RangeError('change 1: vport must be an integer from 0 to 1, got 7'),
    );
    expect([shared.nicSwitch.hasMac(0, mac(0)), shared.nicSwitch.hasMac(1, mac(1))]).toEqual([true, false]);
    expect(configuration.post([['setReplication', true]])).toBe(true);
  });

  it.each([
    'portCounters',
    'forward',
    'reset',
    'setDefaults',
    'resetConfiguration',
    'constructor',
    'nothing',
  ])('cannot ask for %s', (name) => {
    const shared = new SharedSwitch({ vports: 2 });
    const configuration = attachSwitchConfiguration(shared.descriptor);
    configuration.post([[name] as never]);
    shared.forward();
    expect(() => configuration.poll()).toThrow(
      new TypeError(`change 0: a change must name a method that configures the switch, got '${name}'`),
    );
  });

  it('is refused if it is too long, and leaves the mailbox to others', () => {
    const shared = new SharedSwitch({ vports: 2 });
    const configuration = attachSwitchConfiguration(shared.descriptor);
    const changes = Array.from({ length: 1000 }, (): ConfigurationChange => ['addMac', 0, mac(0)]);
    expect(() => configuration.post(changes)).toThrow(/changes must fit into 16384 bytes of JSON, got \d+/);
    expect(configuration.post(changes.slice(0, 10))).toBe(true);
  });

  it('is taken back if the switch does not answer in time', () => {
    const shared = new SharedSwitch({ vports: 2 });
    const configuration = attachSwitchConfiguration(shared.descriptor);
    expect(() => configuration.apply([['addMac', 0, mac(0)]], 1)).toThrow(
      new Error('the switch has not answered in 1 ms'),
    );
    shared.forward();
    expect(shared.nicSwitch.hasMac(0, mac(0))).toBe(false);
    expect(configuration.post([['setReplication', true]])).toBe(true);
  });
});

describe('reconfiguration of a shared switch under load of other threads', () => {
  const RUNS = process.env['SRIOVSIM_LONG'] ? 100 : 4;
  let script: string;
  beforeAll(async () => {
    script = await threadScript('configuration-worker.ts');
  });

  it.each(Array.from({ length: RUNS }, (_, run) => run))(
    'delivers every frame as one of the configurations that held meanwhile, once: course %d',
    async (run) => {
      const course = randomCourse(run);
      const { shared, sent, received } = await runCourse(course, script);
      let checked = 0;
      let undecided = 0;
      for (let ingress = 0; ingress < 2; ingress++) {
        for (let number = 0; number < sent[ingress]; number++) {
          const frame = course.frames[ingress][number % course.frames[ingress].length];
          const copies = received.get(`${ingress} ${number}`);
          const from = copies?.sentAt ?? 0;
          const to = copies?.receivedAt ?? MESSAGES;
          const expected = new Set<string>();
          for (let i = from; i <= to; i++) {
            const { receivers, mirrored = [] } = decide(
              course.configs[i],
              { bytes: frame, tci: -1 },
              ingress,
            );
            const all = [...receivers, ...mirrored].map(({ port, bytes }) => seenAt(port, bytes));
            expected.add(all.sort().join(', '));
          }
          const seen = copies?.receivers.sort().join(', ') ?? '';
          expect(expected, `frame ${number} of VPort ${ingress}`).toContain(seen);
          checked++;
          if (expected.size > 1) undecided++;
        }
      }
      // Most frames have one right answer.
      expect(checked).toBeGreaterThan(MESSAGES);
      expect(undecided).toBeLessThan(checked);
      const { framesIn, delivered } = shared.nicSwitch.balance();
      expect(shared.nicSwitch.dropped('outputFull')).toBe(0);
      expect(framesIn).toBe(sent[0] + sent[1]);
      expect(delivered).toBe([...received.values()].reduce((sum, one) => sum + one.receivers.length, 0));
      shared.nicSwitch.checkBalance();
      const { free, senders } = shared.slots();
      expect(free + senders).toBe(shared.nicSwitch.frames.slots);
    },
    60_000,
  );
});

interface Course {
  /** What each message holds, and the configuration after so many of them. */
  messages: ConfigurationChange[][];
  configs: ReferenceConfig[];
  /** What VPorts 0 and 1 send. */
  frames: Uint8Array[][];
  first: (nicSwitch: NicSwitch) => void;
}

interface Copies {
  receivers: string[];
  sentAt: number;
  receivedAt: number;
}

function randomCourse(seed: number): Course {
  const config = newConfig(VPORTS);
  const first: ConfigurationChange[] = [];
  for (let v = 0; v < VPORTS; v++) {
    first.push(['setVPortEnabled', v, true, true], ['addMac', v, mac(v)]);
    config.vports[v].rx = true;
    config.vports[v].tx = true;
    config.vports[v].macs.add(mac(v));
  }
  const configs = [structuredClone(config)];
  const lists = fc.sample(fc.array(change(VPORTS), { minLength: 1, maxLength: 5 }), {
    seed,
    numRuns: MESSAGES,
  });
  const messages = lists.map((list: Change[]) => {
    const calls = recorded(list, config);
    configs.push(structuredClone(config));
    return calls;
  });
  const frames = [0, 1].map((ingress) =>
    fc
      .sample(traffic(VPORTS), { seed: seed + ingress, numRuns: 200 })
      .map(({ frame }) => frame.bytes)
      .filter((bytes) => bytes.length >= SENDER + 4),
  );
  return { messages, configs, frames, first: (nicSwitch) => callAll(nicSwitch, first) };
}

/** Makes the changes to `config`, and returns the calls by which they are made to a switch. */
function recorded(changes: Change[], config: ReferenceConfig): ConfigurationChange[] {
  const calls: ConfigurationChange[] = [];
  const recorder = new Proxy({} as NicSwitch, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        calls.push([name, ...args] as never),
  });
  for (const { apply } of changes) apply(recorder, config);
  return calls;
}

function callAll(nicSwitch: NicSwitch, changes: ConfigurationChange[]): void {
  for (const [name, ...args] of changes) (nicSwitch[name] as (...args: unknown[]) => unknown)(...args);
}

/** What is compared of a frame: its port, its length, and what lies before the numbers that its sender writes. */
function seenAt(port: number, digits: string): string {
  return `${port} ${digits.length} ${digits.slice(0, 2 * (NUMBER - 8))}`;
}

/** Two threads send, one reconfigures, this one switches and receives. */
async function runCourse(course: Course, script: string) {
  const shared = new SharedSwitch({
    vports: VPORTS,
    sendEntries: 16,
    queueEntries: 256,
    receiveEntries: 256,
  });
  course.first(shared.nicSwitch);
  const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  const { descriptor } = shared;
  const start = (order: ConfigurationOrder) => startThread<number>(script, order);
  const senders = course.frames.map((frames, vport) => start({ descriptor, words, vport, frames }));
  const configurer = start({ descriptor, words, messages: course.messages });
  const receivers = Array.from({ length: VPORTS + 1 }, (_, port) => attachSwitchReceiver(descriptor, port));
  const received = new Map<string, Copies>();
  const drain = () => {
    const receivedAt = Atomics.load(words, BEGUN);
    for (const receiver of receivers) {
      const view = new DataView(receiver.u8.buffer);
      for (let entry = receiver.receive(); entry >= 0; entry = receiver.receive()) {
        const at = receiver.offsetOf(entry);
        const key = `${view.getInt32(at + SENDER)} ${view.getInt32(at + NUMBER)}`;
        const copies = received.get(key) ?? {
          receivers: [],
          sentAt: view.getInt32(at + SENT_AT),
          receivedAt,
        };
        const bytes = written(shared.nicSwitch.frames, entrySlot(entry), tagOperation(entry));
        copies.receivers.push(seenAt(receiver.port, hex(bytes)));
        received.set(key, copies);
        receiver.release();
      }
    }
  };
  while (Atomics.load(words, OVER) === 0 || Atomics.load(words, ANSWERED) < MESSAGES) {
    shared.forward(8);
    drain();
  }
  // The senders see that it is over, and end.
  let ended = false;
  const results = Promise.all([...senders, configurer].map(({ result }) => result)).then((counts) => {
    ended = true;
    return counts;
  });
  while (!ended) {
    shared.forward();
    drain();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  while (shared.forward() > 0) drain();
  drain();
  shared.forward();
  return { shared, sent: await results, received };
}
