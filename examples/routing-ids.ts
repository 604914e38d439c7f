/**
 * Where VFs appear: Routing IDs follow from First VF Offset and VF Stride of the SR-IOV capability, and those depend on whether
 * the slot forwards ARI. With ARI the VFs of an 82599 are on the bus of their PF, without it on the next one.
 *
 * Everything here is configuration cycles, as an operating system makes them; no time passes.
 *
 *     node .build/examples/routing-ids.js
 */
import {
  BridgePort,
  Endpoint,
  enableVfs,
  enumerate,
  findFunctions,
  formatRoutingId,
  RootBus,
} from 'sriovsim/pcie';
import { intel82599Config } from 'sriovsim/profiles';

const ROOT_PORT = 0x0008; // 00:01.0
const MEMORY = { base: 0xe000_0000, bytes: 0x1000_0000 };

for (const ari of [true, false]) {
  const root = new RootBus();
  const port = new BridgePort({ routingId: ROOT_PORT, ariForwarding: ari });
  port.downstream = new Endpoint({ functions: intel82599Config() });
  root.attach(port);

  const tree = enumerate(root, { memory32: MEMORY, io: { base: 0x1000, bytes: 0xf000 }, ari });
  const [pf] = findFunctions(tree, 0x8086, 0x10fb);
  const at = pf.sriov?.offset ?? 0;
  const routingIds = enableVfs(root, pf, 8, { wait: () => {} });
  const first = root.read(pf.routingId, at + 0x14, 2);
  const stride = root.read(pf.routingId, at + 0x16, 2);

  console.log(
    `${ari ? 'with' : 'without'} ARI: PF ${pf.name}, First VF Offset ${first}, VF Stride ${stride}`,
  );
  for (const [vf, routingId] of routingIds.entries()) {
    const sum = `0x${pf.routingId.toString(16).padStart(4, '0')} + ${first} + ${vf} x ${stride}`;
    const ids = root.read(routingId, 0, 4).toString(16);
    console.log(`  VF ${vf}: ${sum} = ${formatRoutingId(routingId)}, Vendor and Device ID read ${ids}`);
  }
}
