import { formatRoutingId } from '../../pcie/index.ts';
import { INTEL, INTEL_82599_SFP, intel82599Config } from '../../profiles/intel-82599-config.ts';
import { bringUpCard } from '../card-below-port.ts';
import type { Experiment, ResultValue } from './experiment.ts';

/** First VF Offset and VF Stride in the SR-IOV capability (9.3.3.9 and 9.3.3.10). */
const FIRST_VF_OFFSET = 0x14;
const VF_STRIDE = 0x16;

/** Where VFs appear, by NumVFs and ARI: enumerated and enabled by configuration cycles. */
export const routingIdsExperiment: Experiment = {
  name: 'routing-ids',
  summary: 'Routing IDs of VFs from First VF Offset and VF Stride, by NumVFs and ARI.',
  parameters: {
    profile: { about: 'The card.', default: ['intel-82599'], allowed: ['intel-82599'] },
    ari: { about: 'Whether the slot forwards ARI.', default: ['yes', 'no'], allowed: ['yes', 'no'] },
    vfs: { about: 'NumVFs.', default: [4], range: [1, 64] },
  },
  columns: [
    { name: 'profile', unit: '' },
    { name: 'ari', unit: '' },
    { name: 'numVfs', unit: '' },
    { name: 'firstVfOffset', unit: '' },
    { name: 'vfStride', unit: '' },
    { name: 'vf', unit: '' },
    { name: 'routingId', unit: '' },
    { name: 'address', unit: '' },
  ],
  published: [],
  run: ({ ari, vfs }) =>
    ari.flatMap((forwards) => vfs.flatMap((numVfs) => rowsOf(forwards === 'yes', numVfs as number))),
};

function rowsOf(ari: boolean, numVfs: number): ResultValue[][] {
  const card = { functions: intel82599Config(), vendorId: INTEL, deviceId: INTEL_82599_SFP };
  const { root, pf, vfs: routingIds } = bringUpCard(card, numVfs, ari);
  const capability = pf.sriov?.offset ?? 0;
  const [offset, stride] = [FIRST_VF_OFFSET, VF_STRIDE].map((at) =>
    root.read(pf.routingId, capability + at, 2),
  );
  return routingIds.map((routingId, vf) => [
    'intel-82599',
    ari ? 'yes' : 'no',
    numVfs,
    offset,
    stride,
    vf,
    routingId,
    formatRoutingId(routingId),
  ]);
}
