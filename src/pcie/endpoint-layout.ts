import { checkBars } from './bar.ts';
import { type FunctionContext, placeCapabilities } from './capabilities/capability.ts';
import { buildLayout, type ConfigLayout } from './config-layout.ts';
import type { FunctionProfile } from './function.ts';
import { type0Rows } from './header.ts';

/**
 * The configuration space of an endpoint function, PF or VF by `context`.
 *
 * @throws RangeError if BARs or capabilities are malformed or overlap.
 */
export function endpointLayout(profile: FunctionProfile, context: FunctionContext): ConfigLayout {
  checkBars(profile.bars);
  const capabilities = placeCapabilities(profile.capabilities);
  const first = capabilities.find(({ capability }) => !capability.extended);
  const { identity, bars, romBytes = 0 } = profile;
  const header = type0Rows({ identity, bars, romBytes, firstCapability: first?.offset ?? 0 }, context);
  return buildLayout(`${profile.title}: configuration space`, header, capabilities, context);
}
