/** Cards and hosts as frozen data; each number with its source and grade. */
export {
  BCM57810,
  BCM57810_VF,
  BROADCOM,
  broadcomBcm57810Config,
} from './broadcom-bcm57810-config.ts';
export { CARD_CONFIGS, type CardConfig } from './card-configs.ts';
export { type DmaDeviceProfile, nfp6000 } from './dma-device.ts';
export { generic100g } from './generic-100g.ts';
export {
  GENERIC_PF,
  GENERIC_VENDOR,
  GENERIC_VF,
  genericConfig,
} from './generic-config.ts';
export { genericNic } from './generic-nic.ts';
export type { GenericConfigOptions } from './generic-options.ts';
export type { HostProfile, SoftwareProfile } from './host-profile.ts';
export { INTEL_82576, INTEL_82576_VF, intel82576Config } from './intel-82576-config.ts';
export { intel82599 } from './intel-82599.ts';
export { INTEL_82599_DMA_READ_PS, type Intel82599ChipOptions, intel82599Chip } from './intel-82599-chip.ts';
export {
  INTEL_82599_CHIP_REGISTERS,
  INTEL_82599_VF_CHIP_REGISTERS,
} from './intel-82599-chip-registers.ts';
export { type Intel82599ConfigOptions, intel82599Config } from './intel-82599-config.ts';
export { INTEL_82599_REGISTERS } from './intel-82599-registers.ts';
export { INTEL_I350, INTEL_I350_VF, intelI350Config } from './intel-i350-config.ts';
export { INTEL_X710, INTEL_X710_VF, intelX710Config } from './intel-x710-config.ts';
export { SFP_10GBASE_SR, type SfpModule, sfpMemory } from './sfp-module.ts';
export { xeonE5v4 } from './xeon-e5-v4.ts';
