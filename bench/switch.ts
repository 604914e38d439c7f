import { type BenchOptions, type BenchPart, type BenchResult, interleave, summarise } from './harness.ts';
import {
  compileC,
  type Rounds,
  type SwitchProgram,
  startC,
  startJs,
  type Traces,
} from './reference/programs.ts';
import { FRAMES, HEADLINE, type SwitchScenario } from './reference/switch-scenario.ts';

/** Frames of each size, between 2, 64 and 256 VPorts; then one thing changed at a time. */
const SCENARIOS: readonly (readonly [string, SwitchScenario])[] = [
  ...([64, 256, 1518, 'imix'] as const).flatMap((frameBytes) =>
    [2, 64, 256].map((vports): [string, SwitchScenario] => [
      `${vports} VPorts, ${frameBytes === 'imix' ? 'IMIX' : `${frameBytes.toLocaleString('en')} B`}`,
      { ...HEADLINE, vports, frameBytes },
    ]),
  ),
  ...[16, 256, 4096].map((filters): [string, SwitchScenario] => [
    `16 VPorts, 64 B, ${filters.toLocaleString('en')} filters`,
    { ...HEADLINE, vports: 16, macsPerVPort: filters / 16 },
  ]),
  ['64 VPorts, 64 B, 4,096 filters', { ...HEADLINE, macsPerVPort: 64 }],
  ['64 VPorts, 64 B, anti-spoofing off', { ...HEADLINE, antiSpoof: false }],
  ['64 VPorts, 64 B, no VLAN', { ...HEADLINE, vlan: 'none' }],
  ['64 VPorts, 64 B, port VLAN', { ...HEADLINE, vlan: 'port' }],
  ...[2, 64, 256].map((vports): [string, SwitchScenario] => [
    `${vports} VPorts, 64 B, 10 % broadcast`,
    { ...HEADLINE, vports, broadcastPercent: 10 },
  ]),
  ['64 VPorts, 64 B, E-Tags up and down', { ...HEADLINE, etag: true }],
  ['64 VPorts, 64 B, E-Tags, 10 % to all and to a group', { ...HEADLINE, etag: true, broadcastPercent: 10 }],
  ...[2, 64, 256].map((vports): [string, SwitchScenario] => [
    `${vports} VPorts, 64 B, written, sent and read over shared rings`,
    { ...HEADLINE, vports, shared: true },
  ]),
];

/**
 * The switch alone, from VPort to VPort, with MAC and VLAN filters and anti-spoofing: offering bursts, switching,
 * draining, in one thread and per second of processor time. The same in C beside it, checked to be the same
 * work: equal entries in equal order in all output queues, equal counters.
 */
export const part: BenchPart = {
  name: 'switch',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const program = compileC();
    const results: BenchResult[] = [];
    const traces: Traces[] = [];
    for (const [name, scenario] of SCENARIOS) {
      const measured = await measure(options, name, scenario, program);
      results.push(...measured.lines);
      traces.push(measured.traces);
    }
    const runs = `all ${traces.length} above`;
    return [
      ...results,
      ...(await growth(options)),
      summarise(
        `bytes of frames written, ${runs}`,
        'bytes',
        traces.map(({ bytesWritten }) => bytesWritten),
      ),
      summarise(
        `heap growth over ${millionFrames(options)} M frames, ${runs}`,
        'bytes',
        traces.map(({ heapBytes }) => heapBytes),
      ),
    ];
  },
};

/** The switch and, with a compiler, its twin in C, in turn; and what the switch leaves behind. */
async function measure(
  options: BenchOptions,
  name: string,
  scenario: SwitchScenario,
  program: string | undefined,
): Promise<{ lines: BenchResult[]; traces: Traces }> {
  const rounds = roundsFor(options, scenario);
  const rate = (name: string, switching: SwitchProgram) => ({
    name,
    run: async () => {
      const { frames, ns } = await switching.rounds(rounds);
      return (frames / ns) * 1e9;
    },
  });
  const js = startJs(scenario);
  const c = program === undefined ? undefined : startC(program, scenario);
  const reference = c === undefined ? name : `the same in C: ${name}`;
  try {
    if (c !== undefined) checkSameWork(name, await js.rounds(10), await c.rounds(10));
    const contenders = c === undefined ? [rate(name, js)] : [rate(name, js), rate(reference, c)];
    const lines = await interleave(options, { unit: 'frames/s', timing: 'own', reference, contenders });
    const [{ median, min, max, samples }] = lines;
    const cost = {
      name: `${name}, a frame`,
      unit: 'ns',
      median: 1e9 / median,
      min: 1e9 / max,
      max: 1e9 / min,
      samples,
    };
    const traces = await js.traces(Math.ceil((millionFrames(options) * 1e6) / FRAMES));
    return { lines: [...lines, cost], traces };
  } finally {
    js.close();
    c?.close();
  }
}

/** The same frames in give the same entries out, in the same order, and the same counters at each port. */
function checkSameWork(name: string, own: Rounds, twin: Rounds): void {
  for (const key of ['frames', 'checksum', 'portsChecksum'] as const) {
    if (own[key] !== twin[key]) throw new Error(`${name}: ${key} is ${own[key]}, in C ${twin[key]}`);
  }
  const { frames, checksum, portsChecksum } = own;
  console.error(
    `${name}: as in C, ${frames} frames, entries ${hex(checksum)}, counters ${hex(portsChecksum)}`,
  );
}

/** What a frame costs with more VPorts and more filters, against two VPorts. */
async function growth(options: BenchOptions): Promise<BenchResult[]> {
  return costs(options, [
    ['a frame, 2 VPorts', { ...HEADLINE, vports: 2 }],
    ['a frame, 64 VPorts', HEADLINE],
    ['a frame, 256 VPorts', { ...HEADLINE, vports: 256 }],
    ['a frame, 64 VPorts, 4,096 filters', { ...HEADLINE, macsPerVPort: 64 }],
    ['a frame, 64 VPorts of a port extender, E-Tags up and down', { ...HEADLINE, etag: true }],
    ['a frame, 64 VPorts, written, sent and read over shared rings', { ...HEADLINE, shared: true }],
    ['a frame, 64 VPorts, the second switch of a process', { ...HEADLINE, switchesBefore: 1 }],
  ]);
}

/** Nanoseconds a frame for each scenario, in turn; the first is what the others are compared to. */
export async function costs(
  options: BenchOptions,
  scenarios: readonly (readonly [string, SwitchScenario])[],
): Promise<BenchResult[]> {
  const programs = scenarios.map(([, scenario]) => startJs(scenario));
  const lines = await interleave(options, {
    unit: 'ns',
    timing: 'own',
    contenders: scenarios.map(([name, scenario], i) => ({
      name,
      run: async () => {
        const { frames, ns } = await programs[i].rounds(Math.ceil(roundsFor(options, scenario) / 2));
        return ns / frames;
      },
    })),
  });
  for (const program of programs) program.close();
  return lines;
}

/** For samples of a tenth of a second; the first ones are the compiler's time. */
export function roundsFor(options: BenchOptions, scenario: SwitchScenario): number {
  const frames = (options.quick ? 1e6 : 4e6) / (scenario.broadcastPercent > 0 ? 1 + scenario.vports / 10 : 1);
  return Math.ceil(frames / FRAMES);
}

/** Frames over which the heap is watched. */
function millionFrames({ quick }: BenchOptions): number {
  return quick ? 0.1 : 1;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
