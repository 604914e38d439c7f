import type { NicProfile } from '../nic/index.ts';
import { intel82599 } from './intel-82599.ts';

/**
 * No card that can be bought: an Intel 82599 whose limits are exact and hold for VPorts, and which guarantees
 * minimum rates and has traffic classes with 64 pools and more mirroring rules, and VPorts with
 * forwarding modes of their own; it can be a port extender. For what later cards can do. All other numbers are the
 * 82599's.
 */
export const genericNic: NicProfile = Object.freeze({
  ...intel82599,
  name: 'generic',
  exactRates: true,
  hostMirrorRules: 16,
  vportForwarding: true,
  portExtender: true,
});
