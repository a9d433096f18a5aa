/** The pages of the sidebar, in order, with the keys that go there. */
export const PAGES = [
  { name: 'overview', to: '/', icon: 'i-lucide-layout-dashboard', keys: 'go' },
  { name: 'servers', to: '/servers', icon: 'i-lucide-server', keys: 'gs' },
  { name: 'provisioning', to: '/provisioning', icon: 'i-lucide-blocks', keys: 'gp' },
  { name: 'applications', to: '/applications', icon: 'i-lucide-box', keys: 'ga' },
  { name: 'settings', to: '/settings', icon: 'i-lucide-settings-2', keys: 'ge' },
] as const

/** What can be done from anywhere, where it starts, and what it needs. */
export const ACTIONS = [
  { name: 'registerServer', to: '/servers?register=1', icon: 'i-lucide-plus', permission: 'server:write', keys: 'nr' },
  { name: 'newStack', to: '/provisioning/new', icon: 'i-lucide-blocks', permission: 'stack:write', keys: 'ns' },
  { name: 'newApplication', to: '/applications/new', icon: 'i-lucide-package-plus', permission: 'application:write', keys: 'na' },
  { name: 'addCredential', to: '/settings/credentials?new=1', icon: 'i-lucide-key-round', permission: 'credential:write', keys: 'nc' },
  { name: 'newOrganization', to: '/settings/organization?new=1', icon: 'i-lucide-building-2', permission: 'organization:create', keys: null },
] as const
