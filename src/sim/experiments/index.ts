/** Experiments: what can be found out by one command. */

import { descriptorBatchingExperiment } from './descriptor-batching.ts';
import { dmaLatencyExperiment } from './dma-latency.ts';
import type { Experiment } from './experiment.ts';
import { interruptModerationExperiment } from './interrupt-moderation.ts';
import { iommuWindowExperiment } from './iommu-window.ts';
import { pcieBandwidthExperiment } from './pcie-bandwidth.ts';
import { peerToPeerExperiment } from './peer-to-peer.ts';
import { routingIdsExperiment } from './routing-ids.ts';
import { vfScalingExperiment } from './vf-scaling.ts';

export { descriptorBatchingExperiment } from './descriptor-batching.ts';
export { dmaLatencyExperiment } from './dma-latency.ts';
export {
  EXPERIMENT_SCHEMA,
  type Experiment,
  type ExperimentResult,
  ExperimentRun,
  ParameterError,
  type ParameterSpec,
  type ParameterValues,
  type PlotSpec,
  type PublishedPoints,
  type ResultColumn,
  type ResultValue,
  runExperiment,
} from './experiment.ts';
export { interruptModerationExperiment } from './interrupt-moderation.ts';
export { iommuWindowExperiment } from './iommu-window.ts';
export { pcieBandwidthExperiment } from './pcie-bandwidth.ts';
export { peerToPeerExperiment } from './peer-to-peer.ts';
export { routingIdsExperiment } from './routing-ids.ts';
export { vfScalingExperiment } from './vf-scaling.ts';

/** Every experiment there is, by name. */
export const EXPERIMENTS: readonly Experiment[] = [
  pcieBandwidthExperiment,
  dmaLatencyExperiment,
  iommuWindowExperiment,
  peerToPeerExperiment,
  descriptorBatchingExperiment,
  vfScalingExperiment,
  interruptModerationExperiment,
  routingIdsExperiment,
];
