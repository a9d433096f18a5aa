/// <reference types="vitest/config" />
import { fileURLToPath } from 'node:url'
import ui from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/**
 * The window's bundle.
 *
 * In mode `fake` (and in tests) the two modules through which the generated
 * client reaches the core are swapped for a host written in TypeScript. Any
 * other mode resolves them to Tauri's own, so the product carries none of it.
 */
export default defineConfig(({ mode }) => ({
  base: './',
  resolve: {
    alias: [
      { find: '@', replacement: here('./src') },
      ...(mode === 'fake' || mode === 'test'
        ? [
            { find: '@tauri-apps/api/core', replacement: here('./src/ipc/fake/core.ts') },
            { find: '@tauri-apps/api/event', replacement: here('./src/ipc/fake/event.ts') },
          ]
        : []),
    ],
  },
  define: {
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
    __INTLIFY_JIT_COMPILATION__: true,
    __INTLIFY_DROP_MESSAGE_COMPILER__: false,
  },
  plugins: [
    vue(),
    ui({
      autoImport: false,
      components: { dts: 'components.d.ts', dirs: [] },
      colorMode: false,
      icon: { clientBundle: { scan: { globInclude: ['src/**/*.{vue,ts}'] } } },
      theme: { transitions: true },
      experimental: { componentDetection: true },
      ui: {
        colors: { primary: 'indigo', neutral: 'zinc', success: 'emerald', warning: 'amber', error: 'rose', info: 'sky' },
        button: {
          slots: { base: 'cursor-pointer' },
          variants: { size: { md: { base: 'text-[0.8125rem]', leadingIcon: 'size-4', trailingIcon: 'size-4' }, lg: { leadingIcon: 'size-4', trailingIcon: 'size-4' } } },
          /* Under the pointer their labels must stay readable: /75 is too pale for white text. */
          compoundVariants: [
            { color: 'primary', variant: 'solid', class: 'hover:bg-primary/90 active:bg-primary/90' },
            { color: 'error', variant: 'solid', class: 'hover:bg-error/90 active:bg-error/90' },
          ],
        },
        input: { variants: { size: { md: { leadingIcon: 'size-4', trailingIcon: 'size-4' } } } },
        select: { variants: { size: { md: { leadingIcon: 'size-4', trailingIcon: 'size-4' } } } },
        breadcrumb: { slots: { separatorIcon: 'size-4' }, defaultVariants: { color: 'neutral' } },
        commandPalette: { variants: { size: { md: { itemLeadingIcon: 'size-4', item: 'py-2' } } } },
        card: { slots: { root: 'rounded-xl', header: 'p-4 sm:px-5', body: 'p-4 sm:p-5', footer: 'p-4 sm:px-5' } },
        dashboardPanel: { slots: { root: 'min-h-0', body: 'p-4 sm:p-6 gap-5 *:shrink-0' } },
        dashboardNavbar: { slots: { root: 'h-14 px-4 sm:px-6', title: 'text-[0.9375rem] tracking-[-0.01em]' } },
        toaster: { slots: { viewport: 'mb-9' } },
        slideover: { slots: { overlay: 'bg-black/30 backdrop-blur-[1px]', content: 'sm:max-w-2xl' } },
        modal: { slots: { overlay: 'backdrop-blur-[1px]' }, variants: { overlay: { true: { overlay: 'bg-black/35' } } } },
        table: { slots: { th: 'py-2 px-3 text-xs font-medium text-muted', td: 'py-2 px-3 text-[0.8125rem]' } },
        formField: { slots: { label: 'font-medium text-highlighted', help: 'text-xs text-muted', description: 'text-xs text-muted' } },
      },
    }),
  ],
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 700,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
  },
  server: { host: '127.0.0.1', fs: { strict: true } },
  clearScreen: false,
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['./src/test.setup.ts'],
    restoreMocks: true,
    testTimeout: 30_000,
  },
}))
