import {
  BridgePort,
  type ConfigAccess,
  Endpoint,
  enableVfs,
  enumerate,
  findFunctions,
  PcieHierarchy,
  PcieSwitch,
  RootBus,
  type RoutingId,
  setNumVfs,
} from 'sriovsim/pcie';
import { GENERIC_PF, GENERIC_VENDOR, genericConfig } from 'sriovsim/profiles';
import {
  type BenchOptions,
  type BenchPart,
  type BenchResult,
  interleave,
  settledHeapBytes,
  summarise,
} from './harness.ts';

const WINDOWS = {
  memory32: { base: 0xe000_0000, bytes: 0x1000_0000 },
  memory64: { base: 0x40_0000_0000, bytes: 2 ** 36 },
};
const wait = () => {};
const BATCH = 100_000;
const ECAM = 2 ** 40;

/** A generic card with so many VFs below a root port, enumerated. */
function card(totalVfs: number) {
  const root = new RootBus();
  const port = new BridgePort({ routingId: 0x0008 });
  port.downstream = new Endpoint({ functions: genericConfig({ totalVfs }) });
  root.attach(port);
  const [pf] = findFunctions(enumerate(root, WINDOWS), GENERIC_VENDOR, GENERIC_PF);
  return { root, pf };
}

/** Gives each VF Bus Master Enable, after which it has a configuration space of its own. */
function startAll(root: ConfigAccess, vfs: readonly RoutingId[]): number {
  for (const vf of vfs) root.write(vf, 4, 2, 4);
  return vfs.length;
}

/**
 * Configuration space: what it takes to bring VFs, each with Bus Master Enable, in time and memory, and configuration reads of
 * a PF and of VFs: of the function itself, through a root port, and by ECAM through a switch.
 */
export const part: BenchPart = {
  name: 'config',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const results: BenchResult[] = [];
    for (const count of options.quick ? [256, 6_000] : [256, 60_000]) {
      const { root, pf } = card(count);
      results.push(
        ...(await interleave(options, {
          unit: 'ms',
          timing: 'own',
          contenders: [
            {
              name: `enable ${count.toLocaleString('en')} VFs`,
              run() {
                const begin = performance.now();
                startAll(root, enableVfs(root, pf, count, { wait }));
                const took = performance.now() - begin;
                setNumVfs(root, pf, 0, { wait });
                return took;
              },
            },
          ],
        })),
      );
      const before = settledHeapBytes();
      startAll(root, enableVfs(root, pf, count, { wait }));
      const name = `memory of ${count.toLocaleString('en')} VFs`;
      results.push(summarise(name, 'bytes', [settledHeapBytes() - before]));
    }
    results.push(...(await benchReads(options)));
    return results;
  },
};

/** Double words of configuration space, by whom they are read and through what. */
async function benchReads(options: BenchOptions): Promise<BenchResult[]> {
  const { root, pf } = card(256);
  const vfs = enableVfs(root, pf, 256, { wait });
  startAll(root, vfs);
  const hierarchy = new PcieHierarchy({ rootPorts: [{}], ecamBase: ECAM });
  const pcieSwitch = new PcieSwitch({ ports: [{}] });
  hierarchy.connect(hierarchy.rootPorts[0], pcieSwitch);
  const device = new Endpoint({ functions: genericConfig({ totalVfs: 256 }) });
  hierarchy.connect(pcieSwitch.downstream[0], device);
  const [behind] = findFunctions(enumerate(hierarchy, WINDOWS), GENERIC_VENDOR, GENERIC_PF);
  const all = enableVfs(hierarchy, behind, 256, { wait });
  startAll(hierarchy, all);
  const { config } = device.functions[0];
  return interleave(options, {
    unit: 'reads/s',
    contenders: [
      { name: 'of a function itself', run: () => batch((i) => config.read32((i & 63) * 4)) },
      {
        name: 'of a PF through a root port',
        run: () => batch((i) => root.read(pf.routingId, (i & 63) * 4, 4)),
      },
      {
        name: 'of 256 VFs in turn through a root port',
        run: () => batch((i) => root.read(vfs[i & 255], (i & 63) * 4, 4)),
      },
      {
        name: 'of a PF by ECAM, through a switch',
        run: () => batch((i) => hierarchy.load(ECAM + behind.routingId * 4096 + (i & 63) * 4)),
      },
      {
        name: 'of 256 VFs in turn by ECAM, through a switch',
        run: () => batch((i) => hierarchy.load(ECAM + all[i & 255] * 4096 + (i & 63) * 4)),
      },
    ].map(({ name, run }) => ({ name: `configuration reads ${name}`, run })),
  });
}

function batch(read: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < BATCH; i++) sum += read(i);
  if (sum === 0) throw new Error('nobody has answered');
  return BATCH;
}
