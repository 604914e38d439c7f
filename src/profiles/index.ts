/** Cards and hosts as frozen data; each number with its source and grade. */
export { generic100g } from './generic-100g.ts';
export { genericNic } from './generic-nic.ts';
export type { HostProfile, SoftwareProfile } from './host-profile.ts';
export { intel82599 } from './intel-82599.ts';
export { type Intel82599ConfigOptions, intel82599Config } from './intel-82599-config.ts';
export { INTEL_82599_REGISTERS } from './intel-82599-registers.ts';
export { xeonE5v4 } from './xeon-e5-v4.ts';
