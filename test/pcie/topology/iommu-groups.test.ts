import { describe, expect, it } from 'vitest';
import {
  ACS_ISOLATION,
  AcsService,
  Endpoint,
  enableAcs,
  enableVfs,
  enumerate,
  type FunctionProfile,
  findFunctions,
  formatIommuGroups,
  type IommuGroup,
  type IommuGroupOptions,
  iommuGroups,
  PcieHierarchy,
} from '../../../src/pcie/index.ts';
import { card, makeTower, type Tower, turnOn, WINDOWS } from './fixture.ts';

const names = (groups: readonly IommuGroup[]) =>
  groups.map(({ functions }) => functions.map(({ name }) => name).join(' '));

const groupsOf = ({ hierarchy, tree }: Tower, options?: IommuGroupOptions) =>
  iommuGroups(hierarchy, tree, options);

function whyOf(groups: readonly IommuGroup[], name: string): readonly string[] {
  return groups.flatMap(({ functions }) => functions).find((fn) => fn.name === name)!.why;
}

describe('iommuGroups', () => {
  it('gives each function a group of its own where all ports isolate, VFs too', () => {
    const tower = makeTower({ vfs: 2 });
    enableAcs(tower.hierarchy, tower.tree);
    const groups = groupsOf(tower);
    expect(names(groups)).toEqual([
      '00:01.0',
      '00:02.0',
      '01:00.0',
      '02:00.0',
      '02:01.0',
      '03:00.0',
      '03:02.0',
      '03:02.1',
      '04:00.0',
      '04:02.0',
      '04:02.1',
      '05:00.0',
      '05:02.0',
      '05:02.1',
    ]);
    expect(groups.map(({ id }) => id)).toEqual(groups.map((_, i) => i));
    expect(groups[6].functions[0].role).toBe('VF 0 of 03:00.0');
    expect(whyOf(groups, '03:02.0')).toEqual([
      '02:00.0 and 00:01.0 above it have all isolating services on, and a VF has a Requester ID of its own',
    ]);
  });

  it('puts all behind a switch without access control services into one group, and says why', () => {
    const tower = makeTower({ ports: [{ acs: null }, { acs: null }] });
    enableAcs(tower.hierarchy, tower.tree);
    const groups = groupsOf(tower);
    expect(names(groups)).toEqual([
      '00:01.0',
      '00:02.0',
      '01:00.0',
      '02:00.0 02:01.0 03:00.0 04:00.0',
      '05:00.0',
    ]);
    expect(whyOf(groups, '04:00.0')).toEqual([
      '02:01.0 has no access control services, and all below is in its group',
      '02:00.0 has no access control services: from below it all ports of the switch 01:00.0 are in reach',
    ]);
    expect(formatIommuGroups(groups)).toContain('group 3\n  02:00.0 downstream port: 02:00.0 has no access');
  });

  it('does so for one port without them, although the other port has them', () => {
    const tower = makeTower({ ports: [{ acs: {} }, { acs: null }] });
    enableAcs(tower.hierarchy, tower.tree);
    expect(names(groupsOf(tower))[3]).toBe('02:00.0 02:01.0 03:00.0 04:00.0');
    expect(names(groupsOf(tower, { rule: 'path' }))).toEqual([
      '00:01.0',
      '00:02.0',
      '01:00.0',
      '02:00.0',
      '02:01.0 04:00.0',
      '03:00.0',
      '05:00.0',
    ]);
  });

  it.each([
    ['Source Validation', AcsService.sourceValidation],
    ['P2P Request Redirect', AcsService.requestRedirect],
    ['P2P Completion Redirect', AcsService.completionRedirect],
    ['Upstream Forwarding', AcsService.upstreamForwarding],
  ])('needs %s in the ports', (name, service) => {
    const tower = makeTower();
    enableAcs(tower.hierarchy, tower.tree);
    turnOn(tower.root.function, ACS_ISOLATION & ~service);
    const groups = groupsOf(tower);
    expect(names(groups)).toEqual(['00:01.0 01:00.0 02:00.0 02:01.0 03:00.0 04:00.0', '00:02.0', '05:00.0']);
    expect(whyOf(groups, '03:00.0')).toEqual([`00:01.0 has ${name} off, and all below is in its group`]);
  });

  it('takes services that a capability does not have for on', () => {
    const tower = makeTower({ root: { acs: { services: AcsService.sourceValidation } } });
    enableAcs(tower.hierarchy, tower.tree);
    expect(names(groupsOf(tower))).toHaveLength(8);
  });

  const dual = (services: number): FunctionProfile[] => [card(4, services), card(4, services)];

  it('puts functions of one device together that have no access control services, and leaves their VFs alone', () => {
    const tower = makeTower({ cards: [dual(0), [card()]], vfs: 1 });
    enableAcs(tower.hierarchy, tower.tree);
    const groups = groupsOf(tower);
    expect(names(groups).filter((each) => each.startsWith('03'))).toEqual([
      '03:00.0 03:00.1',
      '03:02.0',
      '03:02.1',
    ]);
    expect(whyOf(groups, '03:00.1')).toEqual([
      '03:00.0, 03:00.1 are functions of one device, and 03:00.0 has no access control services',
    ]);
  });

  it('takes functions of one device apart that have them on', () => {
    const tower = makeTower({ cards: [dual(0x0c), [card()]] });
    expect(names(groupsOf(tower))).toContain('00:01.0 01:00.0 02:00.0 02:01.0 03:00.0 03:00.1 04:00.0');
    enableAcs(tower.hierarchy, tower.tree);
    expect(names(groupsOf(tower)).filter((each) => each.startsWith('03'))).toEqual(['03:00.0', '03:00.1']);
  });

  it('puts function 9 of a device with ARI together with its function 0', () => {
    const hierarchy = new PcieHierarchy({ rootPorts: [{}] });
    const endpoint = new Endpoint({ functions: dual(0), numbers: [0, 9] });
    hierarchy.connect(hierarchy.rootPorts[0], endpoint);
    const tree = enumerate(hierarchy, WINDOWS);
    enableAcs(hierarchy, tree);
    expect(names(iommuGroups(hierarchy, tree))).toEqual(['00:01.0', '01:00.0 01:01.1']);
  });

  it('puts all below root ports of one device without access control services together', () => {
    const acsNone = { acs: null, device: 1 };
    const hierarchy = new PcieHierarchy({ rootPorts: [acsNone, { ...acsNone, fn: 1 }, { acs: null }] });
    for (const port of hierarchy.rootPorts) {
      hierarchy.connect(port, new Endpoint({ functions: [card()] }));
    }
    const tree = enumerate(hierarchy, WINDOWS);
    expect(names(iommuGroups(hierarchy, tree))).toEqual([
      '00:01.0 00:01.1 01:00.0 02:00.0',
      '00:02.0 03:00.0',
    ]);
  });

  it('puts a function together with the one whose Requester ID it uses', () => {
    const tower = makeTower();
    enableAcs(tower.hierarchy, tower.tree);
    const groups = groupsOf(tower, { aliases: [[0x0500, 0x0300]] });
    expect(names(groups)).toContain('03:00.0 05:00.0');
    expect(whyOf(groups, '03:00.0')).toEqual(['05:00.0 sends requests as 03:00.0, too']);
    expect(() => groupsOf(tower, { aliases: [[0x0500, 0x0999]] })).toThrow('got 09:13.1');
  });

  it('finds VFs on the next bus in the group of their port', () => {
    const hierarchy = new PcieHierarchy({ rootPorts: [{ acs: null, ariForwarding: false }] });
    hierarchy.connect(hierarchy.rootPorts[0], new Endpoint({ functions: [card()] }));
    const tree = enumerate(hierarchy, WINDOWS);
    enableVfs(hierarchy, findFunctions(tree, 0x1234, 1)[0], 2, { wait: () => {} });
    expect(names(iommuGroups(hierarchy, tree))).toEqual(['00:01.0 01:00.0 02:00.0 02:00.1']);
  });

  it('says of every function that is alone why it is', () => {
    const tower = makeTower({ ports: [{}, {}, { acs: null }], root: {} });
    enableAcs(tower.hierarchy, tower.tree);
    const groups = groupsOf(tower, { rule: 'path' });
    expect(['00:01.0', '01:00.0', '02:02.0', '03:00.0'].map((name) => whyOf(groups, name)[0])).toEqual([
      'it is on the root bus, and it isolates what is below it',
      '00:01.0 above it has all isolating services on, and it isolates what is below it',
      '00:01.0 above it has all isolating services on, and nothing is below it',
      '02:00.0 and 00:01.0 above it have all isolating services on, and it is the only function of its device',
    ]);
  });

  it('reads configuration space only', () => {
    const tower = makeTower({ vfs: 2 });
    const reads = { read: tower.hierarchy.read.bind(tower.hierarchy), write: () => expect.unreachable() };
    expect(iommuGroups(reads, tower.tree)).toEqual(groupsOf(tower));
  });

  it('refuses a rule that there is not', () => {
    expect(() => groupsOf(makeTower(), { rule: 'none' as 'path' })).toThrow('rule must be');
  });
});

describe('enableAcs', () => {
  it('turns on what isolates in ports and functions, and nothing else', () => {
    const profile = card(4, 0x6c);
    const tower = makeTower({ cards: [[profile, profile], [card()]] });
    enableAcs(tower.hierarchy, tower.tree);
    const control = (at: number, routingId: number) => tower.hierarchy.read(routingId, at, 2);
    const fn = tower.cards[0].functions[0];
    const port = tower.ports[0].function;
    expect(control(port.findExtendedCapability(0x0d) + 6, port.routingId)).toBe(ACS_ISOLATION);
    expect(control(fn.findExtendedCapability(0x0d) + 6, fn.routingId)).toBe(0x0c);
  });
});
