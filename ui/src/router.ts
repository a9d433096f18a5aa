import { createRouter, createWebHashHistory, type RouteRecordRaw } from 'vue-router'

/** Every screen. Each is its own chunk, so the first paint loads one of them. */
export const routes: RouteRecordRaw[] = [
  { path: '/', name: 'overview', component: () => import('./features/overview/OverviewPage.vue') },
  { path: '/servers', name: 'servers', component: () => import('./features/servers/ServersPage.vue') },
  { path: '/servers/:serverId', name: 'server', component: () => import('./features/servers/ServersPage.vue') },
  { path: '/provisioning', name: 'provisioning', component: () => import('./features/provisioning/ProvisioningPage.vue') },
  { path: '/provisioning/new', name: 'stack-new', component: () => import('./features/provisioning/NewStackPage.vue') },
  { path: '/provisioning/:stackId', name: 'stack', component: () => import('./features/provisioning/StackPage.vue'), props: true },
  { path: '/applications', name: 'applications', component: () => import('./features/applications/ApplicationsPage.vue') },
  { path: '/applications/new', name: 'application-new', component: () => import('./features/applications/NewApplicationPage.vue') },
  { path: '/applications/:applicationId', name: 'application', component: () => import('./features/applications/ApplicationPage.vue'), props: true },
  { path: '/settings', redirect: '/settings/general' },
  { path: '/settings/organization', name: 'settings-organization', component: () => import('./features/organizations/OrganizationSettings.vue') },
  { path: '/settings/:section', name: 'settings', component: () => import('./features/settings/SettingsPage.vue'), props: true },
  { path: '/:rest(.*)', redirect: '/' },
]

export const router = createRouter({ history: createWebHashHistory(), routes })
