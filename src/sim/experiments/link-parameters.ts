import type { ParameterSpec } from './experiment.ts';

const PAYLOAD_SIZES = [128, 256, 512, 1024, 2048, 4096];

/** The link of an experiment: what it is, and what its ends are set to. */
export const LINK_PARAMETERS = {
  generation: { about: 'Generation of the link.', default: [3], range: [1, 6] },
  lanes: { about: 'Its width.', default: [8], allowed: [1, 2, 4, 8, 12, 16, 32] },
  mps: { about: 'Max_Payload_Size, in bytes.', default: [256], allowed: PAYLOAD_SIZES },
  mrrs: { about: 'Max_Read_Request_Size, in bytes.', default: [512], allowed: PAYLOAD_SIZES },
  rcb: { about: 'Read Completion Boundary, in bytes.', default: [64], allowed: [64, 128] },
} as const satisfies Readonly<Record<string, ParameterSpec>>;
