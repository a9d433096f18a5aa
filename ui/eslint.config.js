import vue from 'eslint-plugin-vue'
import ts from 'typescript-eslint'

const FEATURES = ['setup', 'overview', 'servers', 'provisioning', 'applications', 'settings', 'organizations', 'jobs']
const TAURI = { group: ['@tauri-apps/*'], message: 'only src/ipc talks to the host' }
const IPC = { group: ['@/ipc/*', '**/ipc/*'], allowTypeImports: true, message: 'components show what they are given; ask the core in a feature' }

/** The dependency rules of the window, and the strictness of its TypeScript. */
export default ts.config(
  { ignores: ['dist', 'dist-fake', 'node_modules', '*.d.ts', 'src/ipc/bindings.gen.ts'] },
  ...ts.configs.strict,
  ...vue.configs['flat/recommended'],
  { files: ['**/*.vue'], languageOptions: { parserOptions: { parser: ts.parser } } },
  {
    files: ['**/*.{ts,vue}'],
    rules: {
      'no-console': 'error',
      'no-eval': 'error',
      'no-undef': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [TAURI] }],
      'vue/block-order': ['error', { order: ['script', 'template', 'style'] }],
      'vue/define-emits-declaration': ['error', 'type-literal'],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/multi-word-component-names': 'off',
      'vue/require-default-prop': 'off',
      'vue/attributes-order': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/html-indent': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/no-v-html': 'error',
    },
  },
  { files: ['src/ipc/**'], rules: { '@typescript-eslint/no-restricted-imports': 'off' } },
  { files: ['src/components/**'], rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [TAURI, IPC, { group: ['@/features/*', '@/queries/*', '@/shell/*'], message: 'components know no feature' }] }] } },
  ...FEATURES.map(feature => ({
    files: [`src/features/${feature}/**`],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', {
        patterns: [TAURI, {
          group: FEATURES.filter(other => other !== feature).flatMap(other => [`@/features/${other}/*`, `../${other}/*`]),
          message: 'features never import each other',
        }],
      }],
    },
  })),
)
