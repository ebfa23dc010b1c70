#!/usr/bin/env python3
"""Checks that layers.py finds each kind of violation and accepts what is allowed."""

import unittest

from layers import problems_of


def problems(source, text):
    return [problem for _, problem in problems_of(source, text)]


def include(source, path):
    return problems(source, f'#include "{path}"\n')


class LayersTest(unittest.TestCase):
    def test_includes_point_down(self):
        self.assertEqual(include("tensor/a.cpp", "base/error.h"), [])
        self.assertEqual(include("engine/float/a.cpp", "model/graph.h"), [])
        self.assertEqual(include("cost/a.cpp", "kernel/ir.h"), [])
        self.assertEqual(include("cost/a.cpp", "report/report.h"), [])
        self.assertEqual(include("card/a.cpp", "engine/float/engine.h"), [])
        self.assertEqual(include("base/a.cpp", "base/error.h"), [])
        self.assertEqual(include("base/a.cpp", "tensor/tensor.h"), ["base must not include tensor"])
        self.assertEqual(include("model/a.cpp", "engine/x.h"), ["model must not include engine"])

    def test_neighbours_stay_apart(self):
        for of, to in [("model", "kernel"), ("kernel", "model"), ("engine", "kernel"), ("tensor", "board"), ("report", "board")]:
            self.assertEqual(include(f"{of}/a.cpp", f"{to}/x.h"), [f"{of} must not include {to}"])

    def test_models_are_included_by_programs_only(self):
        self.assertEqual(include("apps/heddle/run.cpp", "model/smolvla/smolvla.h"), [])
        self.assertEqual(include("model/smolvla/a.cpp", "model/smolvla/b.h"), [])
        self.assertEqual(include("model/registry.cpp", "model/smolvla/b.h"), [])
        self.assertEqual(include("model/smolvla/a.cpp", "model/text/bpe.h"), [])
        for source in ["engine/float/a.cpp", "model/graph.cpp", "model/switch/a.cpp"]:
            self.assertIn(
                "only model/smolvla, model/registry.cpp, apps and tests may include model/smolvla",
                include(source, "model/smolvla/b.h"),
            )

    def test_text_and_image_stand_alone(self):
        self.assertEqual(include("model/text/a.cpp", "model/text/b.h"), [])
        self.assertEqual(include("model/text/a.cpp", "tensor/tensor.h"), [])
        self.assertEqual(len(include("model/text/a.cpp", "model/image/b.h")), 1)
        self.assertEqual(len(include("model/image/a.cpp", "model/graph.h")), 1)

    def test_include_paths_start_at_src(self):
        self.assertEqual(len(include("base/a.cpp", "error.h")), 1)
        self.assertEqual(len(include("base/a.cpp", "../tensor/tensor.h")), 1)
        self.assertEqual(len(include("base/a.cpp", "apps/heddle/run.h")), 1)
        self.assertEqual(len(include("misc/a.cpp", "base/error.h")), 1)
        self.assertEqual(problems("base/a.cpp", "#include <vector>\n"), [])

    def test_board_names_stay_in_boards(self):
        for source in ["cost/a.cpp", "model/a.cpp", "apps/heddle/a.cpp", "board/a.cpp"]:
            self.assertEqual(len(problems(source, 'find_board("U280");\n')), 1, source)
        self.assertEqual(problems("cost/a.cpp", "find_board(name);\n"), [])

    def test_model_names_stay_in_model(self):
        for name in ["SmolVLA", "tinyllava", "switch-base-8", "Phi-2", "siglip"]:
            self.assertEqual(len(problems("engine/a.cpp", f"// for {name}\n")), 1, name)
            self.assertEqual(problems("model/a.cpp", f"// for {name}\n"), [])
        self.assertEqual(problems("kernel/a.cpp", "switch (phi) {}  // base\n"), [])

    def test_headers_open_with_their_purpose(self):
        self.assertEqual(problems("base/a.h", "// Files.\n#pragma once\n"), [])
        self.assertEqual(len(problems("base/a.h", "#pragma once\n")), 1)
        self.assertEqual(len(problems("base/a.h", "")), 1)
        self.assertEqual(problems("base/a.cpp", "int a;\n"), [])


if __name__ == "__main__":
    unittest.main()
