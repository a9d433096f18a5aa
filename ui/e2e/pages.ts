/** Every screen: where it is, and what is on it once it is there. */
export const PAGES = [
  { name: 'overview', hash: '#/', ready: 'text=Overview' },
  { name: 'servers', hash: '#/servers', ready: 'text=Servers' },
  { name: 'register', hash: '#/servers?register=1', ready: '[data-testid=register-form]' },
  { name: 'provisioning', hash: '#/provisioning', ready: 'text=Provisioning' },
  { name: 'wizard', hash: '#/provisioning/new', ready: '[data-testid=wizard-provider]' },
  { name: 'applications', hash: '#/applications', ready: 'text=Applications' },
  { name: 'application-new', hash: '#/applications/new', ready: '[data-testid=application-form]' },
  { name: 'settings-general', hash: '#/settings/general', ready: '[data-testid=theme]' },
  { name: 'settings-credentials', hash: '#/settings/credentials', ready: 'text=Credentials' },
  { name: 'settings-engine', hash: '#/settings/engine', ready: '[data-testid=terraform]' },
  { name: 'settings-monitoring', hash: '#/settings/monitoring', ready: '[data-testid=setting-interval]' },
  { name: 'settings-organization', hash: '#/settings/organization', ready: '[data-testid=organization-form]' },
  { name: 'settings-vault', hash: '#/settings/vault', ready: 'text=Vault' },
  { name: 'settings-about', hash: '#/settings/about', ready: '[data-testid=about]' },
] as const

/** Screens that are reached through another one, with the fleet `some`. */
export const DETAILS = [
  { name: 'server', hash: '#/servers', open: '[data-testid=server-link] >> nth=0', ready: '[data-testid=server-charts]' },
  { name: 'server-failed', hash: '#/servers', open: 'text=newkey', ready: '[data-testid=host-key-alert]' },
  { name: 'stack', hash: '#/provisioning', open: '[data-testid=stack-card][data-status=completed]', ready: '[data-testid=stack-tabs]' },
  { name: 'plan', hash: '#/provisioning', open: '[data-testid=stack-card][data-status=awaiting_approval]', ready: '[data-testid=plan]' },
  { name: 'application', hash: '#/applications', open: '[data-testid=application-link] >> text=shop', ready: '[data-testid=application-tabs]' },
  { name: 'palette', hash: '#/', open: '[data-testid=open-palette]', ready: '[data-testid=palette]' },
  { name: 'jobs', hash: '#/', open: '[data-testid=toggle-jobs]', ready: '[data-testid=jobs-drawer]' },
  { name: 'switcher', hash: '#/', open: '[data-testid=workspace-switcher]', ready: '[data-testid=organization-tree]' },
] as const
