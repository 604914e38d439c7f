/**
 * Cards below a PCI Express switch: where their functions are, how one card's request reaches the other, and which functions an
 * operating system could lend to different guests, without access control services in the ports of the switch and with them.
 *
 * Requests go the ways that the registers of the ports prescribe; no time passes.
 *
 *     node .build/examples/topology.js
 */
import {
  Endpoint,
  enableAcs,
  enableCardVfs,
  enumerate,
  formatHops,
  iommuGroups,
  lspciDump,
  lspciTree,
  PcieHierarchy,
  PcieSwitch,
  parseLspciDump,
  WIDE_WINDOWS,
} from 'sriovsim/pcie';
import { intel82599Config } from 'sriovsim/profiles';

for (const acs of [null, {}]) {
  const hierarchy = new PcieHierarchy({ rootPorts: [{}] });
  const tower = new PcieSwitch({ ports: [{ acs }, { acs }] });
  hierarchy.connect(hierarchy.rootPorts[0], tower);
  const cards = tower.downstream.map((port) => {
    const card = new Endpoint({ functions: intel82599Config() });
    hierarchy.connect(port, card);
    return card;
  });

  const tree = enumerate(hierarchy, WIDE_WINDOWS);
  for (const card of cards) enableCardVfs(hierarchy, tree, card, 2);
  enableAcs(hierarchy, tree);

  console.log(`${acs === null ? 'without' : 'with'} access control services in the switch`);
  console.log(lspciTree(parseLspciDump(lspciDump(hierarchy.functions(), 'os'))));

  const [from, to] = cards.map((card) => card.functions[0]);
  const outcome = hierarchy.request({ from, kind: 'write', address: to.barBase(0), value: 1 });
  console.log(`${from.name} writes to ${to.name}: ${outcome.status}`);
  console.log(formatHops(outcome));

  console.log('\nIOMMU groups');
  for (const { id, functions } of iommuGroups(hierarchy, tree)) {
    console.log(`  ${id}: ${functions.map(({ name, role }) => `${name} (${role})`).join(', ')}`);
    console.log(`     ${[...new Set(functions.flatMap(({ why }) => why))].join('\n     ')}`);
  }
  console.log();
}
