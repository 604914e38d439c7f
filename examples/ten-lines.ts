/**
 * A machine in ten lines: two guests with a Virtual Function (VF) each, one of which sends to the other. The VFs come up as on
 * Linux, with a number written to `sriov_numvfs`; the guests' drivers then bring up their rings over the simulated link.
 *
 *     node .build/examples/ten-lines.js
 */
import { createMachine } from 'sriovsim';

const machine = createMachine({ seed: 7, guests: [{ name: 'a' }, { name: 'b' }] });
machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
const [a, b] = machine.guests;
a.traffic.send({ to: b.vf(0).mac, frameBytes: 64, ratePps: 1e6 });
const report = machine.run({ simulatedMs: 2, warmUpMs: 0.2 });
const received = report.endpoints.find(({ name }) => name === 'b');
console.log(received?.rxPps, 'frames a second');
console.log(received?.latencyNs?.p50, 'ns from send to receive, median');
console.log(report.iommu?.hitRate, 'of the IOTLB look-ups hit');
console.log(report.conservation.balanced, ': every frame is accounted for');
