import { describe, expect, it } from 'vitest';
import {
  allEnumerated,
  Endpoint,
  enableCardVfs,
  enumerate,
  formatHops,
  type PcieFunction,
  PcieHierarchy,
  PcieSwitch,
  WIDE_WINDOWS,
} from '../../../src/pcie/index.ts';
import { intelX710Config } from '../../../src/profiles/index.ts';
import { card, makeTower, uncorrectable, WINDOWS } from './fixture.ts';

describe('PcieHierarchy', () => {
  it('is enumerated depth first, with a bus inside of the switch', () => {
    const { tree, hierarchy } = makeTower();
    expect(tree.problems).toEqual([]);
    const names = ['00:01.0', '01:00.0', '02:00.0', '03:00.0', '02:01.0', '04:00.0', '00:02.0', '05:00.0'];
    expect(allEnumerated(tree).map((fn) => fn.name)).toEqual(names);
    expect(hierarchy.functions().map((fn) => fn.name)).toEqual([...names].sort());
  });

  it('has the port types of root ports and switches in their PCI Express capabilities', () => {
    const { hierarchy } = makeTower();
    const types = hierarchy
      .functions()
      .map((fn) => (fn.config.read16(fn.findCapability(0x10) + 2) >> 4) & 15);
    expect(types).toEqual([4, 4, 5, 6, 6, 0, 0, 0]);
  });

  it('reads and writes configuration space through ECAM', () => {
    const { hierarchy, cards } = makeTower({ ecamBase: 0x3000_0000 });
    expect(hierarchy.load(0x3000_0000 + (3 << 20))).toBe(0x00011234);
    expect(hierarchy.load(0x3000_0002 + (3 << 20), 2)).toBe(0x0001);
    expect(hierarchy.load(0x3000_0000 + (3 << 20) + (1 << 12))).toBe(0xffffffff);
    hierarchy.store(0x3000_003c + (4 << 20), 0x55, 1);
    expect(cards[1].functions[0].config.read8(0x3c)).toBe(0x55);
    expect(() => hierarchy.load(0x3000_0001, 2)).toThrow('address must be a multiple of 2');
  });

  it("takes processors' loads and stores to the function whose BAR has the address, VFs included", () => {
    const { hierarchy, cards } = makeTower({ vfs: 2 });
    const functions = cards.flatMap((each) => each.allFunctions());
    expect(functions).toHaveLength(9);
    for (const [i, fn] of functions.entries()) hierarchy.store(fn.barBase(0) + 0x20, 0x1000 + i);
    functions.forEach((fn, i) => {
      expect(hierarchy.load(fn.barBase(0) + 0x20)).toBe(0x1000 + i);
      expect(fn.bar(0).read32(0x20, 4)).toBe(0x1000 + i);
    });
    hierarchy.store(functions[0].barBase(0) + 0x22, 0xab, 1);
    expect(hierarchy.load(functions[0].barBase(0) + 0x20)).toBe(0x00ab1000);
    expect(hierarchy.load(functions[0].barBase(0) + 0x22, 2)).toBe(0x00ab);
  });

  it('answers all ones where nobody has an address, with Unsupported Request where the way ends', () => {
    const { hierarchy, tower, ports, cards } = makeTower();
    expect(hierarchy.load(0x1000, 2)).toBe(0xffff);
    const [to] = cards[1].functions;
    const address = to.barBase(0);
    const unsupported = (fn: PcieFunction) =>
      (fn.config.read16(fn.findCapability(0x10) + 10) >> 3) & (uncorrectable(fn) >>> 20);
    const refusedAt = () => hierarchy.request({ from: null, kind: 'write', address }).error?.at;
    to.config.write16(4, 4);
    expect([refusedAt(), unsupported(to)]).toEqual(['04:00.0', 1]);
    ports[1].function.config.write16(4, 4);
    const { function: upstream } = tower.upstream;
    expect(unsupported(upstream)).toBe(0);
    expect([refusedAt(), unsupported(upstream)]).toEqual(['01:00.0', 1]);
    expect(hierarchy.load(address)).toBe(0xffffffff);
  });

  it('notes an address that no function of a device has in all of them, and one message says so', () => {
    const device = new Endpoint({ functions: intelX710Config(2) });
    const codes: number[] = [];
    const hierarchy = new PcieHierarchy({ rootPorts: [{}] });
    hierarchy.connect(hierarchy.rootPorts[0], device);
    enumerate(hierarchy, WINDOWS);
    for (const { config } of device.functions) {
      config.write16(0xa8, 0x000f);
      config.write32(0x114, 0);
    }
    for (const fn of device.functions) fn.sendError = (_, code) => codes.push(code);
    const address = device.functions[0].barBase(0);
    for (const { config } of device.functions) config.write16(4, 4);
    hierarchy.store(address, 1);
    hierarchy.load(address);
    expect(device.functions.map(uncorrectable)).toEqual([1 << 20, 1 << 20]);
    expect(codes).toEqual([0x31, 0x30]);
  });

  it('lets functions reach memory of the host, by the IOMMU if there is one', () => {
    const bytes = new Map<number, number>();
    const memory = {
      claims: (address: number) => address < 0x10_0000,
      read: (address: number) => bytes.get(address) ?? 0,
      write: (address: number, _width: number, value: number) => void bytes.set(address, value),
    };
    const asked: unknown[] = [];
    const translator = {
      translate(routingId: number, address: number, isWrite: boolean) {
        asked.push([routingId, address, isWrite]);
        return address < 0x4000_0000 ? -2 : address - 0x4000_0000;
      },
    };
    const { hierarchy, cards } = makeTower({ memory, translator });
    const [from] = cards[0].functions;
    const wrote = hierarchy.request({ from, kind: 'write', address: 0x4000_0100, value: 7 });
    expect([wrote.status, wrote.completer, wrote.throughRootComplex]).toEqual(['successful', 'memory', true]);
    expect(bytes.get(0x100)).toBe(7);
    expect(hierarchy.request({ from, kind: 'read', address: 0x4000_0100 }).value).toBe(7);
    const refused = hierarchy.request({ from, kind: 'read', address: 0x100 });
    expect([refused.status, refused.error?.error]).toEqual(['unsupported-request', 'IOMMU fault']);
    expect(asked).toEqual([
      [0x0300, 0x4000_0100, true],
      [0x0300, 0x4000_0100, false],
      [0x0300, 0x100, false],
    ]);
    expect(from.config.read16(6) & (1 << 13)).toBe(1 << 13);
  });

  it('sends nothing for a function without Bus Master Enable, and stops at a port without it', () => {
    const { hierarchy, cards, ports } = makeTower();
    const [from, to] = cards.map((each) => each.functions[0]);
    const request = { from, kind: 'write', address: to.barBase(0) } as const;
    expect(hierarchy.request(request).completer).toBe(to);
    ports[0].function.config.write16(4, 2);
    expect(hierarchy.request(request)).toMatchObject({
      status: 'unsupported-request',
      completer: null,
      error: { at: '02:00.0', error: 'Unsupported Request' },
    });
    from.config.write16(4, 2);
    expect(hierarchy.request(request).status).toBe('not-sent');
  });

  it('says by which way a request went', () => {
    const { hierarchy, cards } = makeTower();
    const [from, to] = cards.map((each) => each.functions[0]);
    const outcome = hierarchy.request({ from, kind: 'read', address: to.barBase(0) });
    expect(formatHops(outcome).split('\n')).toEqual([
      'request: 03:00.0 sent',
      'request: 02:00.0 peer-to-peer',
      'request: 02:01.0 downstream',
      'request: 04:00.0 completed',
      'completion: 02:01.0 peer-to-peer',
      'completion: 02:00.0 downstream',
      'completion: 03:00.0 completed',
    ]);
  });

  it('goes on working after a secondary bus reset and a new enumeration', () => {
    const { hierarchy, root, cards } = makeTower();
    const to = cards[1].functions[0];
    const address = to.barBase(0);
    root.function.config.write16(0x3e, 0x40);
    root.function.config.write16(0x3e, 0);
    expect(hierarchy.load(address)).toBe(0xffffffff);
    enumerate(hierarchy, WINDOWS);
    hierarchy.store(to.barBase(0) + 8, 5);
    expect(hierarchy.load(to.barBase(0) + 8)).toBe(5);
  });

  it('refuses ports and devices that are taken, and numbers that are out of range', () => {
    const hierarchy = new PcieHierarchy({ rootPorts: [{}] });
    const [port] = hierarchy.rootPorts;
    const tower = new PcieSwitch({ ports: [{}] });
    const endpoint = new Endpoint({ functions: [card()] });
    expect(() => hierarchy.connect(tower.downstream[0], endpoint)).toThrow('port must be a root port or');
    hierarchy.connect(port, tower);
    expect(() => hierarchy.connect(port, endpoint)).toThrow('port must be free, 00:01.0 is not');
    hierarchy.connect(tower.downstream[0], endpoint);
    expect(() => hierarchy.connect(port, endpoint)).toThrow('port must be free');
    expect(() => new PcieSwitch({ ports: [{ device: 1 }, { device: 1 }] })).toThrow('got 1.0 twice');
    expect(() => new PcieSwitch({ ports: [{ device: 32 }] })).toThrow('device must be');
    expect(() => new PcieHierarchy({ rootPorts: [], ecamBase: 5 })).toThrow('ecamBase');
    const stranger = new Endpoint({ functions: [card()] }).functions[0];
    expect(() => hierarchy.request({ from: stranger, kind: 'read', address: 0 })).toThrow(
      '00:00.0 must be a function of an endpoint of this hierarchy',
    );
    expect(() => hierarchy.request({ from: null, kind: 'read', address: 2 })).toThrow('multiple of 4');
  });
});

describe('a card', () => {
  it('has its VFs enabled in every PF, if it was found', () => {
    const hierarchy = new PcieHierarchy({ rootPorts: [{}, {}] });
    const [found, late] = [0, 1].map(() => new Endpoint({ functions: intelX710Config(2) }));
    hierarchy.connect(hierarchy.rootPorts[0], found);
    const tree = enumerate(hierarchy, WIDE_WINDOWS);
    expect(tree.problems).toEqual([]);
    enableCardVfs(hierarchy, tree, found, 3);
    expect(found.functions.map(({ sriov }) => sriov?.count)).toEqual([3, 3]);
    hierarchy.connect(hierarchy.rootPorts[1], late);
    enableCardVfs(hierarchy, tree, late, 0);
    expect(() => enableCardVfs(hierarchy, tree, late, 1)).toThrow('no bus number is left for the card');
  });
});

describe('what a hierarchy is made of', () => {
  it.each([
    [{ rootports: [{}] }, 'options has no "rootports": allowed are bus, rootPorts'],
    [{ rootPorts: [{}, { acsServices: null }] }, 'port 1 has no "acsServices": allowed are device, fn, acs'],
    [{ rootPorts: [{ ariForwarding: 'no' }] }, 'ariForwarding must be true or false, got "no"'],
    [{ rootPorts: [{ device: 32 }] }, 'device must be an integer from 0 to 31, got 32'],
    [{ rootPorts: [{ acs: { service: 1 } }] }, 'acs has no "service": allowed are at, services, egressBits'],
    [{ rootPorts: [{}], peerToPeer: 1 }, 'peerToPeer must be true or false, got 1'],
    [{ rootPorts: [{}], bus: 256 }, 'bus must be an integer from 0 to 255, got 256'],
  ])('is not %j', (options, message) => {
    expect(() => new PcieHierarchy(options as { rootPorts: [] })).toThrow(message);
  });

  it('refuses options of switches, connections and requests that there are not', () => {
    const { hierarchy, cards } = makeTower();
    const tower = { ports: [{}], acs: null };
    expect(() => new PcieSwitch(tower)).toThrow('options has no "acs": allowed are ports, title, identity');
    const device = new Endpoint({ functions: intelX710Config(1) });
    const options: object = { peerTopeer: true };
    expect(() => hierarchy.connect(hierarchy.rootPorts[1], device, options)).toThrow(
      'options has no "peerTopeer": allowed are peerToPeer',
    );
    const request = { from: cards[0].functions[0], kind: 'read', address: 0, relaxed: true } as const;
    expect(() => hierarchy.request(request)).toThrow('request has no "relaxed": allowed are from, requester');
  });
});
