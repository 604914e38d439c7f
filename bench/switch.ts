import {
  type BenchOptions,
  type BenchPart,
  type BenchResult,
  heapGrowth,
  interleave,
  summarise,
} from './harness.ts';
import { CSwitch, compileC } from './reference/c-program.ts';
import { HEADLINE, type SwitchScenario, SwitchWork } from './reference/switch-scenario.ts';

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
 * Frames switched per second, from VPort to VPort, with MAC and VLAN filters and anti-spoofing: offering bursts of 32,
 * switching, and draining, in one thread. The same in C beside it, checked to be the same work: equal entries in equal
 * order in all output queues, equal counters.
 */
export const part: BenchPart = {
  name: 'switch',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const program = compileC();
    const results: BenchResult[] = [];
    for (const [name, scenario] of SCENARIOS) {
      results.push(...(await measure(options, name, new SwitchWork(scenario), program)));
    }
    return [...results, ...(await growth(options)), ...standing(options)];
  },
};

/** The switch and, with a compiler, its twin in C, in turn. */
async function measure(
  options: BenchOptions,
  name: string,
  work: SwitchWork,
  program: string | undefined,
): Promise<BenchResult[]> {
  const rounds = roundsFor(options, work);
  const own = {
    name,
    run: () => {
      const start = performance.now();
      return work.rounds(rounds) / ((performance.now() - start) / 1e3);
    },
  };
  if (program === undefined) {
    const [line] = await interleave(options, { unit: 'frames/s', timing: 'own', contenders: [own] });
    return [{ ...line, name: `${name} (no C compiler to compare with)` }];
  }
  const c = new CSwitch(program, work.file());
  const reference = `the same in C: ${name}`;
  try {
    await checkSameWork(name, work, c);
    return await interleave(options, {
      unit: 'frames/s',
      timing: 'own',
      reference,
      contenders: [
        own,
        {
          name: reference,
          run: async () => {
            const { frames, ns } = await c.rounds(rounds);
            return (frames / ns) * 1e9;
          },
        },
      ],
    });
  } finally {
    c.close();
  }
}

/** The same frames in give the same entries out, in the same order, and the same counters at each port. */
async function checkSameWork(name: string, work: SwitchWork, c: CSwitch): Promise<void> {
  const frames = work.rounds(10);
  const twin = await c.rounds(10);
  const own = { frames, checksum: work.checksum, portsChecksum: work.portsChecksum() };
  for (const key of ['frames', 'checksum', 'portsChecksum'] as const) {
    if (own[key] >>> 0 !== twin[key])
      throw new Error(`${name}: ${key} is ${own[key] >>> 0}, in C ${twin[key]}`);
  }
  work.nicSwitch.checkBalance();
  console.error(
    `${name}: as in C, ${frames} frames, entries ${hex(own.checksum)}, counters ${hex(own.portsChecksum)}`,
  );
}

/** What a frame costs with more VPorts and more filters, against two VPorts. */
async function growth(options: BenchOptions): Promise<BenchResult[]> {
  const cost = (name: string, scenario: SwitchScenario) => {
    const work = new SwitchWork(scenario);
    const rounds = Math.ceil(20_000 / work.order.length);
    return { name, run: () => work.rounds(rounds) };
  };
  return interleave(options, {
    unit: 'ns',
    timing: 'cost',
    reference: 'a frame, 2 VPorts',
    contenders: [
      cost('a frame, 2 VPorts', { ...HEADLINE, vports: 2 }),
      cost('a frame, 256 VPorts', { ...HEADLINE, vports: 256 }),
      cost('a frame, 64 VPorts, 4,096 filters', { ...HEADLINE, macsPerVPort: 64 }),
    ],
  });
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

function roundsFor(options: BenchOptions, work: SwitchWork): number {
  const frames = (options.quick ? 1e6 : 8e6) / (work.scenario.broadcastPercent > 0 ? 8 : 1);
  return Math.ceil(frames / work.order.length);
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
