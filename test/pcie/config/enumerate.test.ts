import { describe, expect, it } from 'vitest';
import {
  allEnumerated,
  BridgePort,
  type ConfigAccess,
  Endpoint,
  type EnumeratedBar,
  enableVfs,
  enumerate,
  findFunctions,
  LogicalBus,
  RootBus,
} from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { genericProfile, machine, SRIOV, WINDOWS } from './fixture.ts';

/** Two 82599 with two ports each below a switch, and one at a root port of its own. */
function largeMachine(): RootBus {
  const root = new RootBus();
  const dual = () => new Endpoint({ functions: intel82599Config({ ports: 2 }) });
  const upstream = new BridgePort({ routingId: 0, portType: 5 });
  const inside = new LogicalBus();
  upstream.downstream = inside;
  for (const device of [0, 1]) {
    const port = new BridgePort({ routingId: device << 3, portType: 6 });
    port.downstream = dual();
    inside.attach(port);
  }
  const first = new BridgePort({ routingId: 0x0008 });
  first.downstream = upstream;
  const second = new BridgePort({ routingId: 0x0010 });
  second.downstream = dual();
  root.attach(first);
  root.attach(second);
  return root;
}

describe('enumerate', () => {
  it('finds bridges and functions and returns plain objects', () => {
    const { tree } = machine(intel82599Config({ ports: 2 }));
    expect(tree.problems).toEqual([]);
    expect(allEnumerated(tree).map((fn) => fn.name)).toEqual(['00:01.0', '01:00.0', '01:00.1']);
    expect(structuredClone(tree)).toEqual(tree);
    const [port] = tree.functions;
    expect([port.isBridge, port.secondaryBus, port.subordinateBus]).toEqual([true, 1, 1]);
    expect(port.children[0]).toMatchObject({ vendor: 0x8086, device: 0x10fb, classCode: 0x020000 });
    expect(port.children[0].capabilities.map((each) => each.offset)).toEqual([
      0x40, 0x50, 0x70, 0xa0, 0xe0, 0x100, 0x140, 0x150, 0x160,
    ]);
  });

  it('uses configuration accesses alone', () => {
    const root = largeMachine();
    const access: ConfigAccess = {
      read: (routingId, offset, bytes) => root.read(routingId, offset, bytes),
      write: (routingId, offset, bytes, value) => root.write(routingId, offset, bytes, value),
    };
    const tree = enumerate(access, WINDOWS);
    expect(tree).toEqual(enumerate(largeMachine(), WINDOWS));
  });

  it('numbers the buses depth first, and again from what it finds', () => {
    const root = largeMachine();
    const names = [
      '00:01.0',
      '01:00.0',
      '02:00.0',
      '03:00.0',
      '03:00.1',
      '02:01.0',
      '04:00.0',
      '04:00.1',
      '00:02.0',
      '05:00.0',
      '05:00.1',
    ];
    const tree = enumerate(root, WINDOWS);
    expect(allEnumerated(tree).map((fn) => fn.name)).toEqual(names);
    expect(enumerate(root, WINDOWS)).toEqual(tree);
  });

  it('turns ARI forwarding on when both ends can, and sets ARI Capable Hierarchy in the first PF', () => {
    const { port, endpoint } = machine(intel82599Config({ ports: 2 }));
    expect(port.ariForwarding).toBe(true);
    expect(endpoint.functions.map((fn) => fn.config.read16(SRIOV + 8))).toEqual([0x10, 0]);
  });

  it.each([{ ariForwarding: false }, { ari: false }])('leaves ARI off with %j', (options) => {
    const { port, endpoint, tree } = machine(intel82599Config(), options);
    expect(port.ariForwarding).toBe(false);
    expect(endpoint.functions[0].config.read16(SRIOV + 8)).toBe(0);
    expect(tree.problems).toEqual([]);
  });

  it('turns ARI forwarding off again for a device without ARI', () => {
    const profile = genericProfile({ totalVfs: 1 });
    const plain = { ...profile, capabilities: profile.capabilities.slice(0, 1) };
    const { port, root, tree } = machine([plain]);
    expect([port.ariForwarding, tree.functions[0].children.length]).toEqual([false, 1]);
    port.function.config.write16(0xb8, 0x20);
    enumerate(root, WINDOWS);
    expect(port.ariForwarding).toBe(false);
  });

  it('follows the links of ARI to function numbers above 7', () => {
    const profile = genericProfile({ totalVfs: 1 });
    const root = new RootBus();
    const port = new BridgePort({ routingId: 0x0008 });
    port.downstream = new Endpoint({ functions: [profile, profile, profile], numbers: [0, 9, 200] });
    root.attach(port);
    const found = findFunctions(enumerate(root, WINDOWS), 0x1234, 1);
    expect(found.map((fn) => fn.routingId)).toEqual([0x0100, 0x0109, 0x01c8]);
  });

  it('reserves the next bus for the VFs of a device without ARI', () => {
    const { tree, nics } = machine(intel82599Config(), { ari: false });
    expect(tree.functions[0].subordinateBus).toBe(2);
    expect([nics[0].lastBus, nics[0].sriov?.lastVfBus]).toEqual([2, 2]);
  });

  it('tries every value of NumVFs for the highest bus', () => {
    const routing = (_ari: boolean, numVfs: number) => ({
      firstVfOffset: numVfs === 5 ? 0x700 : 0x100,
      vfStride: 1,
    });
    const { tree, nics } = machine([genericProfile({ totalVfs: 8, routing })]);
    expect(nics[0].sriov?.lastVfBus).toBe(8);
    expect(tree.functions[0].subordinateBus).toBe(8);
  });

  it('gives the bus behind the VFs to the next bridge', () => {
    const root = new RootBus();
    for (const device of [1, 2]) {
      const port = new BridgePort({ routingId: device << 3 });
      port.downstream = new Endpoint({ functions: intel82599Config() });
      root.attach(port);
    }
    const tree = enumerate(root, { ...WINDOWS, ari: false });
    expect(findFunctions(tree, 0x8086, 0x10fb).map((fn) => fn.name)).toEqual(['01:00.0', '03:00.0']);
  });

  it('says when buses run out', () => {
    const { tree, nics } = machine(intel82599Config(), { ari: false, lastBus: 1 });
    expect(tree.problems).toEqual(['bus 1: VFs need buses up to 2, the last one is 1']);
    expect(nics[0].lastBus).toBe(1);
    const none = machine(intel82599Config(), { lastBus: 0 });
    expect(none.tree.problems).toEqual(['00:01.0: no bus number is left for what is below it']);
    expect(none.nics).toEqual([]);
  });

  it('says which VFs a port cannot reach that does not forward ARI, and refuses to enable them', () => {
    const routing = { ari: { firstVfOffset: 2, vfStride: 2 }, other: { firstVfOffset: 2, vfStride: 2 } };
    const profile = genericProfile({ totalVfs: 8, routing });
    const { tree, nics, root, endpoint } = machine([profile], { ariForwarding: false });
    expect(tree.problems).toEqual(['01:00.0: VFs from 3 on need ARI forwarding']);
    expect(() => enableVfs(root, nics[0], 4, { wait: () => {} })).toThrow(
      '01:00.0: 4 VFs requested, more than 3 need ARI forwarding',
    );
    expect(enableVfs(root, nics[0], 3, { wait: () => {} })).toEqual([0x0102, 0x0104, 0x0106]);
    expect(endpoint.allFunctions().map((fn) => root.read(fn.routingId, 0x34, 1))).not.toContain(0xff);
    expect(machine([profile]).tree.problems).toEqual([]);
  });

  it('reaches VFs on the next bus without ARI forwarding', () => {
    const rule = { firstVfOffset: 250, vfStride: 10 };
    const onNext = (firstVfOffset: number) => {
      const routing = { ari: rule, other: { ...rule, firstVfOffset } };
      return machine([genericProfile({ totalVfs: 8, routing })], { ariForwarding: false }).nics[0].sriov;
    };
    expect(onNext(250)).toMatchObject({ reachableVfs: 0, lastVfBus: 2 });
    expect(onNext(256)).toMatchObject({ reachableVfs: 8, lastVfBus: 2 });
  });

  it.each([
    [{ firstVfOffset: 0, vfStride: 1 }, 'First VF Offset 0 and VF Stride 1 with NumVFs 8 are of no use'],
    [{ firstVfOffset: 8, vfStride: 0 }, 'First VF Offset 8 and VF Stride 0 with NumVFs 8 are of no use'],
  ])('does without SR-IOV where the numbers are of no use: %j', (routing, problem) => {
    const { tree, nics } = machine([
      genericProfile({ totalVfs: 8, routing: { ari: routing, other: routing } }),
    ]);
    expect(tree.problems).toEqual([`01:00.0: ${problem}`]);
    expect(nics[0].sriov).toBeUndefined();
  });

  it('takes VFs away that it finds enabled, and waits a second', () => {
    const { root, endpoint } = machine();
    root.write(0x0100, SRIOV + 0x10, 2, 4);
    root.write(0x0100, SRIOV + 0x08, 2, 0x19);
    const waits: number[] = [];
    const tree = enumerate(root, { ...WINDOWS, wait: (ms) => waits.push(ms) });
    expect(waits).toEqual([1000]);
    expect(endpoint.allFunctions()).toHaveLength(1);
    expect(tree.problems).toEqual([]);
  });

  it('sets the page size of the system, or the next one that the device supports', () => {
    const pages = [4096, 8192, 16384, 65536].map((pageBytes) => {
      const { nics, endpoint } = machine(intel82599Config(), { pageBytes });
      return [nics[0].sriov?.pageBytes, endpoint.functions[0].config.read32(SRIOV + 0x20)];
    });
    expect(pages).toEqual([
      [4096, 1],
      [8192, 2],
      [65536, 16],
      [65536, 16],
    ]);
    const { nics } = machine(intel82599Config(), { pageBytes: 65536 });
    expect(nics[0].sriov?.vfBars.map((bar) => bar.bytes)).toEqual([65536, 65536]);
  });

  it('refuses options out of range', () => {
    const root = new RootBus();
    expect(() => enumerate(root, { ...WINDOWS, bus: 256 })).toThrow('bus must be');
    expect(() => enumerate(root, { ...WINDOWS, bus: 5, lastBus: 4 })).toThrow('lastBus must be');
    expect(() => enumerate(root, { ...WINDOWS, pageBytes: 5000 })).toThrow('pageBytes must be');
  });
});

describe('placing of BARs', () => {
  it('puts 64-bit prefetchable memory high, the rest below 4 GiB, I/O into I/O space', () => {
    const { nics } = machine();
    const [memory, io, table] = nics[0].bars;
    expect([memory.address, io.address, table.address]).toEqual([0x40_0000_0000, 0x1000, 0x40_0002_0000]);
    expect(nics[0].sriov?.vfBars.map((bar) => bar.address)).toEqual([0xe000_0000, 0xe010_0000]);
    const pref = machine(intel82599Config({ vfPrefetchable: true })).nics[0];
    expect(pref.sriov?.vfBars.map((bar) => bar.address)).toEqual([0x40_0002_4000, 0x40_0012_4000]);
  });

  it('puts everything below 4 GiB when there is no room above', () => {
    const { nics } = machine(intel82599Config({ vfPrefetchable: true }), { memory64: undefined });
    for (const bar of nics[0].bars.filter((each) => each.kind !== 'io')) {
      expect(bar.address).toBeGreaterThanOrEqual(0xe000_0000);
      expect(bar.address).toBeLessThan(0xf000_0000);
    }
  });

  it('aligns every BAR to its size, keeps them apart and inside the windows of all bridges above', () => {
    const root = largeMachine();
    const tree = enumerate(root, WINDOWS);
    expect(tree.problems).toEqual([]);
    const taken: { from: number; to: number; io: boolean }[] = [];
    for (const fn of allEnumerated(tree)) {
      const vfBars = (fn.sriov?.vfBars ?? []).map((bar) => ({ bar, bytes: bar.bytes * fn.sriov!.totalVfs }));
      const bars = [...fn.bars.map((bar) => ({ bar, bytes: bar.bytes })), ...vfBars];
      for (const { bar, bytes } of bars) {
        expect(bar.address % bar.bytes).toBe(0);
        taken.push({ from: bar.address, to: bar.address + bytes, io: bar.kind === 'io' });
      }
    }
    expect(taken).toHaveLength(6 * 5);
    for (const [i, a] of taken.entries()) {
      for (const b of taken.slice(i + 1))
        expect(a.io !== b.io || a.to <= b.from || b.to <= a.from).toBe(true);
    }
    for (const port of root.ports) {
      const below = (bar: EnumeratedBar) =>
        (bar.kind === 'io' ? port.claimsIo : port.claimsMemory).bind(port);
      const [fn] = tree.functions.filter((each) => each.routingId === port.function.routingId);
      const walk = (each: typeof fn): void => {
        for (const bar of [...each.bars, ...(each.sriov?.vfBars ?? [])]) {
          expect(below(bar)(bar.address)).toBe(true);
          expect(below(bar)(bar.address + bar.bytes - 1)).toBe(true);
        }
        each.children.forEach(walk);
      };
      walk(fn);
      expect(port.claimsMemory(0xdfff_ffff)).toBe(false);
    }
  });

  it('turns memory and bus mastering on', () => {
    const { endpoint, port } = machine();
    expect(endpoint.functions[0].config.read16(4)).toBe(7);
    expect(port.function.config.read16(4)).toBe(7);
  });

  it('leaves I/O BARs out when there is no I/O space', () => {
    const { nics, endpoint, tree } = machine(intel82599Config(), { io: undefined });
    expect(nics[0].bars[1].address).toBe(-1);
    expect(endpoint.functions[0].config.read16(4)).toBe(6);
    expect(tree.problems).toEqual(['00:01.0: no room for 4096 bytes of io space: no address']);
  });

  it('does without VF BARs when there is no room for them', () => {
    const { nics, endpoint, tree } = machine(intel82599Config(), {
      memory32: { base: 0xe000_0000, bytes: 0x10_0000 },
    });
    expect(nics[0].sriov?.vfBars.map((bar) => bar.address)).toEqual([-1, -1]);
    expect(endpoint.functions[0].busMaster).toBe(true);
    expect(tree.problems).toEqual(['00:01.0: no room for 2097152 bytes of memory space: no VF BARs']);
  });
});
