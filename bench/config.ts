import {
  BridgePort,
  Endpoint,
  enableVfs,
  enumerate,
  findFunctions,
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
function startAll(root: RootBus, vfs: readonly RoutingId[]): number {
  for (const vf of vfs) root.write(vf, 4, 2, 4);
  return vfs.length;
}

/**
 * Configuration space: what it takes to bring VFs, each with Bus Master Enable, in time and memory, and configuration reads of
 * a PF and of VFs through a root port.
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
    const { root, pf } = card(256);
    const vfs = enableVfs(root, pf, 256, { wait });
    startAll(root, vfs);
    const read = (routingIds: readonly RoutingId[]) => () => {
      let sum = 0;
      for (let i = 0; i < BATCH; i++) sum += root.read(routingIds[i % routingIds.length], (i & 63) * 4, 4);
      if (sum === 0) throw new Error('nobody has answered');
      return BATCH;
    };
    results.push(
      ...(await interleave(options, {
        unit: 'reads/s',
        contenders: [
          { name: 'configuration reads of a PF', run: read([pf.routingId]) },
          { name: 'configuration reads of 256 VFs in turn', run: read(vfs) },
        ],
      })),
    );
    return results;
  },
};
