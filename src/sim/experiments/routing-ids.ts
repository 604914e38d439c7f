import { formatRoutingId, SriovError, sriovOf } from '../../pcie/index.ts';
import { CARD_CONFIGS, type CardConfig } from '../../profiles/card-configs.ts';
import { bringUpCard } from '../card-below-port.ts';
import { type Experiment, ParameterError, type ResultValue } from './experiment.ts';

/** First VF Offset and VF Stride in the SR-IOV capability (SR-IOV 1.1 3.3.9 and 3.3.10). */
const FIRST_VF_OFFSET = 0x14;
const VF_STRIDE = 0x16;
const NAMES = CARD_CONFIGS.map(({ name }) => name);

/** Where VFs appear, by NumVFs and ARI: enumerated and enabled by configuration cycles. */
export const routingIdsExperiment: Experiment = {
  name: 'routing-ids',
  summary: 'Routing IDs of VFs from First VF Offset and VF Stride, by NumVFs and ARI.',
  parameters: {
    profile: { about: 'The card.', default: ['intel-82599'], allowed: NAMES },
    ari: { about: 'Whether the slot forwards ARI.', default: ['yes', 'no'], allowed: ['yes', 'no'] },
    vfs: { about: 'NumVFs of each PF.', default: [4], range: [1, 65_535] },
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
    { name: 'pf', unit: '' },
  ],
  published: [],
  plot: {
    x: 'vf',
    y: ['routingId'],
    besides: ['firstVfOffset', 'vfStride', 'address'],
    title: 'Routing ID',
    logarithmic: false,
  },
  *run({ profile, ari, vfs }) {
    // In the order that was asked for.
    for (const name of profile)
      for (const forwards of ari)
        for (const numVfs of vfs) yield* rowsOf(cardOf(name), forwards === 'yes', numVfs as number);
  },
};

/** @param name one of those that the parameter allows. */
function cardOf(name: unknown): CardConfig {
  return CARD_CONFIGS.find((card) => card.name === name)!;
}

function rowsOf(card: CardConfig, ari: boolean, numVfs: number): ResultValue[][] {
  const functions = card.functions(card.ports[0], false);
  const most = Math.min(...functions.map((fn) => sriovOf(fn)?.options.totalVfs ?? 0));
  if (numVfs > most) {
    throw new ParameterError(
      `vfs: "${numVfs}" does not fit ${card.name}; allowed whole numbers from 1 to ${most}`,
    );
  }
  const { root, pfs, vfs } = bringUp(card, ari, numVfs);
  return pfs.flatMap((pf, i) => {
    const [offset, stride] = [FIRST_VF_OFFSET, VF_STRIDE].map((at) =>
      root.read(pf.routingId, (pf.sriov?.offset ?? 0) + at, 2),
    );
    return vfs[i].map((routingId, vf) => [
      card.name,
      ari ? 'yes' : 'no',
      numVfs,
      offset,
      stride,
      vf,
      routingId,
      formatRoutingId(routingId),
      pf.name,
    ]);
  });
}

function bringUp(card: CardConfig, ari: boolean, vfs: number) {
  try {
    return bringUpCard(card.functions(card.ports[0], false), { vfs, ari });
  } catch (error) {
    if (!(error instanceof SriovError)) throw error;
    throw new ParameterError(`vfs: "${vfs}" does not fit ${card.name}: ${error.message}; allowed fewer`);
  }
}
