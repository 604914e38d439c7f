import type { NicProfile } from '../nic/index.ts';
import { intel82599Config } from './intel-82599-config.ts';
import { INTEL_82599_REGISTERS } from './intel-82599-registers.ts';

/**
 * Intel 82599 10 GbE Controller, one port. "Datasheet" is the Intel 82599 10 GbE Controller Datasheet; an
 * estimate is ours, chosen so that the sum of a way through the card is of the right size, and says so.
 */
export const intel82599: NicProfile = Object.freeze({
  name: 'intel-82599',
  functions: intel82599Config({ ports: 1 }),
  registers: INTEL_82599_REGISTERS,
  // Datasheet 7.10.3.1, MRQC.MRQE = 1000b: 64 pools of two queues.
  pools: 64,
  // 64 pools, any of which can be the PF's (VMDq2), and one of a VF; datasheet 8.2.3.7.8: 128 receive
  // addresses; 8.2.3.27.15: 64 VLAN filters. Each can be anybody's.
  vportLimits: Object.freeze({
    vports: 64,
    vportsOnPf: 64,
    vportsPerVf: 1,
    macFiltersPerVPort: 128,
    vlanFiltersPerVPort: 64,
    macFilters: 128,
    vlanFilters: 64,
  }),
  queuesPerPool: 2,
  linkGbps: [10, 1],
  pcie: {
    // Datasheet 3.1: PCI Express v2.0, 5 GT/s, eight lanes.
    rate: { generation: 2, lanes: 8 },
    // Estimate: the datasheet's credits for register accesses; completions are infinite, as endpoints must
    // advertise them.
    deviceCredits: {
      postedHeaders: 16,
      postedData: 64,
      nonPostedHeaders: 16,
      nonPostedData: 16,
      completionHeaders: 0,
      completionData: 0,
    },
  },
  // Device Capabilities: 512 bytes; what is in force depends on the host.
  maxPayloadBytes: 512,
  maxReadRequestBytes: 512,
  // Device Capabilities: no extended tags.
  tags: 32,
  frameSlots: 4096,
  // Datasheet 8.2.3.9.13 and 8.2.3.8.9: 160 KiB and 512 KiB.
  transmitBufferBytes: 160 * 1024,
  receiveBufferBytes: 512 * 1024,
  // Datasheet 7.2.3.3: 40 transmit descriptors; the 32 for receive, and when they are prefetched, are
  // estimates.
  transmitCacheDescriptors: 40,
  receiveCacheDescriptors: 32,
  receivePrefetchThreshold: 24,
  receiveHostThreshold: 8,
  // Datasheet 8.2.3.22.8, MAXFRS after reset: 1,518 bytes; with a VLAN tag four more; without frame check
  // sequence.
  maxFrameBytes: 1518,
  // 82576 datasheet 7.10.3.6, whose pools work alike: unicast that matches an exact filter is not sent to the
  // LAN, whatever its VLAN.
  localMatch: 'mac',
  // Linux's ixgbe gives and takes "tagless access" of a pool by PFVLVF's entry for VLAN 0, and DPDK's test plan
  // vf_daemon has an untagged frame dropped whose pool is in one other VLAN.
  untaggedCheck: 'vlanZero',
  // Datasheet 7.10.3.6: four rules, each with a destination pool.
  mirrorRules: 4,
  // Estimate: a 64-bit data path at 156.25 MHz carries 10 Gb/s; a frame every two cycles is 78 million a
  // second.
  coreClockPs: 6400,
  switchCycles: 20,
  switchCyclesPerFrame: 2,
  // Estimate: up to this long a write-back waits for its line of four to fill.
  writeBackHoldPs: 128_000,
  // Estimates.
  registerReadPs: 100_000,
  interruptPs: 50_000,
  macPs: 300_000,
  // Datasheet 8.2.3.5.12: 2.048 us at 10 Gb/s and 1 Gb/s.
  throttleUnitPs: 2_048_000,
  // MSI-X capabilities: 64 entries for the PF, three for a VF.
  pfVectors: 64,
  vfVectors: 3,
});
