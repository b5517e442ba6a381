package dev.millrace.bench;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows between modules, and that no packages of any module know each other both ways. */
@AnalyzeClasses(packages = "dev.millrace", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest
    static final ArchRule arrowsBetweenModulesPointOneWay = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("schemas")
            .definedBy("dev.millrace.schemas..")
            .layer("model")
            .definedBy("dev.millrace.model..")
            .layer("cpu")
            .definedBy("dev.millrace.cpu..")
            .layer("gpu")
            .definedBy("dev.millrace.gpu..")
            .layer("operators")
            .definedBy("dev.millrace.operators..")
            .layer("gateway")
            .definedBy("dev.millrace.gateway..")
            .layer("job")
            .definedBy("dev.millrace.job..")
            .layer("bench")
            .definedBy("dev.millrace.bench..")
            .whereLayer("schemas")
            .mayNotAccessAnyLayer()
            .whereLayer("model")
            .mayNotAccessAnyLayer()
            .whereLayer("cpu")
            .mayOnlyAccessLayers("model")
            .whereLayer("gpu")
            .mayOnlyAccessLayers("model")
            .whereLayer("operators")
            .mayOnlyAccessLayers("schemas", "model")
            .whereLayer("gateway")
            .mayOnlyAccessLayers("schemas", "model")
            .whereLayer("job")
            .mayOnlyAccessLayers("schemas", "model", "cpu", "gpu", "operators", "gateway")
            .whereLayer("bench")
            .mayNotBeAccessedByAnyLayer();

    @ArchTest
    static final ArchRule packagesOfTheJobFormNoCycle =
            slices().matching("dev.millrace.job.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule packagesOfTheModelFormNoCycle =
            slices().matching("dev.millrace.model.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule packagesOfTheCpuFormNoCycle =
            slices().matching("dev.millrace.cpu.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule packagesOfTheGpuFormNoCycle =
            slices().matching("dev.millrace.gpu.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule onlyTheDevicePackageSeesJCuda = noClasses()
            .that()
            .resideOutsideOfPackage("dev.millrace.gpu.device..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("jcuda..");
}
