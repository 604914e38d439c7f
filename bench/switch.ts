import {
  type BenchOptions,
  type BenchPart,
  type BenchResult,
  heapGrowth,
  interleave,
  summarise,
} from './harness.ts';
import { compileC, type Rounds, type SwitchProgram, startC, startJs } from './reference/programs.ts';
import { FRAMES, HEADLINE, type SwitchScenario, SwitchWork } from './reference/switch-scenario.ts';

const SCENARIOS: readonly (readonly [string, SwitchScenario])[] = [
  ['64 VPorts, 64 B', HEADLINE],
  ['2 VPorts, 64 B', { ...HEADLINE, vports: 2 }],
  ['256 VPorts, 64 B', { ...HEADLINE, vports: 256 }],
  ['64 VPorts, 4,096 filters, 64 B', { ...HEADLINE, macsPerVPort: 64 }],
  ['64 VPorts, 64 B, 10 % broadcast', { ...HEADLINE, broadcastPercent: 10 }],
  ['64 VPorts, 1,518 B', { ...HEADLINE, frameBytes: 1518 }],
  ['64 VPorts, 64 B, anti-spoofing off', { ...HEADLINE, antiSpoof: false }],
];

/**
 * Frames switched per second of processor time, from VPort to VPort, with MAC and VLAN filters and anti-spoofing:
 * offering bursts of 32, switching, and draining, in one thread. The same in C beside it, checked to be the same work: equal entries in equal
 * order in all output queues, equal counters.
 */
export const part: BenchPart = {
  name: 'switch',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const program = compileC();
    const results: BenchResult[] = [];
    for (const [name, scenario] of SCENARIOS) {
      results.push(...(await measure(options, name, scenario, program)));
    }
    return [...results, ...(await growth(options)), ...standing(options)];
  },
};

/** The switch and, with a compiler, its twin in C, in turn. */
async function measure(
  options: BenchOptions,
  name: string,
  scenario: SwitchScenario,
  program: string | undefined,
): Promise<BenchResult[]> {
  const rounds = roundsFor(options, scenario);
  const rate = (name: string, switching: SwitchProgram) => ({
    name,
    run: async () => {
      const { frames, ns } = await switching.rounds(rounds);
      return (frames / ns) * 1e9;
    },
  });
  const js = startJs(scenario);
  if (program === undefined) {
    const contenders = [rate(`${name} (no C compiler to compare with)`, js)];
    const lines = await interleave(options, { unit: 'frames/s', timing: 'own', contenders });
    js.close();
    return lines;
  }
  const c = startC(program, new SwitchWork(scenario));
  const reference = `the same in C: ${name}`;
  try {
    checkSameWork(name, await js.rounds(10), await c.rounds(10));
    const contenders = [rate(name, js), rate(reference, c)];
    return await interleave(options, { unit: 'frames/s', timing: 'own', reference, contenders });
  } finally {
    js.close();
    c.close();
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
  const costs = [
    ['a frame, 2 VPorts', { ...HEADLINE, vports: 2 }],
    ['a frame, 64 VPorts', HEADLINE],
    ['a frame, 256 VPorts', { ...HEADLINE, vports: 256 }],
    ['a frame, 64 VPorts, 4,096 filters', { ...HEADLINE, macsPerVPort: 64 }],
    ['a frame, 64 VPorts, the second switch of a process', { ...HEADLINE, switchesBefore: 1 }],
  ] as const;
  const programs = costs.map(([, scenario]) => startJs(scenario));
  const lines = await interleave(options, {
    unit: 'ns',
    timing: 'own',
    reference: costs[0][0],
    contenders: costs.map(([name, scenario], i) => ({
      name,
      run: async () => {
        const { frames, ns } = await programs[i].rounds(Math.ceil(roundsFor(options, scenario) / 4));
        return ns / frames;
      },
    })),
  });
  for (const program of programs) program.close();
  return lines;
}

/** What must not happen at all: copying frames and using memory. */
function standing(options: BenchOptions): BenchResult[] {
  const work = new SwitchWork({ ...HEADLINE, broadcastPercent: 10 });
  const before = work.frames.u8.slice();
  const frames = options.quick ? 1e6 : 1e7;
  const rounds = Math.ceil(frames / work.order.length);
  const heap = heapGrowth(
    { ...options, samples: Math.min(options.samples, 3) },
    `heap growth over ${frames / 1e6} M frames, 10 % broadcast`,
    () => work.rounds(rounds),
  );
  let changed = 0;
  for (const [i, byte] of work.frames.u8.entries()) if (byte !== before[i]) changed++;
  return [summarise('bytes of frames written, 10 % broadcast', 'bytes', [changed]), heap];
}

/** For samples of a tenth of a second; the first ones are the compiler's time. */
function roundsFor(options: BenchOptions, scenario: SwitchScenario): number {
  const frames = (options.quick ? 1e6 : 8e6) / (scenario.broadcastPercent > 0 ? 8 : 1);
  return Math.ceil(frames / FRAMES);
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
